//! Private ports: picked free once, then kept for the life of the stack.

use std::{fs, net::TcpListener, ops::Range};

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Lowest port considered: below it live the services that have a number of their own.
const FLOOR: u16 = 15_000;
/// Highest port considered when the system does not say where outgoing connections begin.
const CEILING: u16 = 32_768;

/// The ports of one stack, all on 127.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) postgres: u16,
    pub(crate) kafka: u16,
    pub(crate) kafka_controller: u16,
    pub(crate) elasticsearch: u16,
    pub(crate) elasticsearch_transport: u16,
}

impl Ports {
    /// Picks free ports, beginning at a place that differs between checkouts, so that two stacks started at the same
    /// moment do not reach for the same ones.
    ///
    /// They lie below the range of outgoing connections: while an engine is stopped for a while, no client's
    /// connection can take the port it will come back on.
    pub(crate) fn pick(fingerprint: &str) -> Result<Self> {
        let range = FLOOR..lowest_outgoing_port().unwrap_or(CEILING).max(FLOOR + 1_000);
        let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        let mut candidates = candidates(fingerprint, range).filter(|port| free(*port));
        let mut next = || candidates.next().context("no free port left on 127.0.0.1");
        Ok(Self {
            postgres: next()?,
            kafka: next()?,
            kafka_controller: next()?,
            elasticsearch: next()?,
            elasticsearch_transport: next()?,
        })
    }

    pub(crate) fn to_json(self) -> Value {
        json!({
            "postgres": self.postgres,
            "kafka": self.kafka,
            "kafka_controller": self.kafka_controller,
            "elasticsearch": self.elasticsearch,
            "elasticsearch_transport": self.elasticsearch_transport,
        })
    }

    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        let port = |name: &str| u16::try_from(value.get(name)?.as_u64()?).ok();
        Some(Self {
            postgres: port("postgres")?,
            kafka: port("kafka")?,
            kafka_controller: port("kafka_controller")?,
            elasticsearch: port("elasticsearch")?,
            elasticsearch_transport: port("elasticsearch_transport")?,
        })
    }
}

/// Every port of the range once, beginning at a place derived from the fingerprint.
fn candidates(fingerprint: &str, range: Range<u16>) -> impl Iterator<Item = u16> {
    let length = range.end - range.start;
    let seed = fingerprint
        .bytes()
        .fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let offset = u16::try_from(seed % u32::from(length)).unwrap_or(0);
    (offset..length)
        .chain(0..offset)
        .map(move |step| range.start + step)
}

/// Where Linux begins to number outgoing connections.
fn lowest_outgoing_port() -> Option<u16> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    range.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, net::TcpListener};

    use super::{Ports, candidates};

    #[test]
    fn every_port_of_the_range_comes_up_once() {
        let all: BTreeSet<u16> = candidates("abc", 100..200).collect();
        assert_eq!(candidates("abc", 100..200).count(), 100);
        assert_eq!(all, (100..200).collect());
    }

    #[test]
    fn two_checkouts_begin_at_two_places() {
        assert_ne!(
            candidates("0a1b2c3d", 100..9_000).next(),
            candidates("9f8e7d6c", 100..9_000).next()
        );
    }

    #[test]
    fn a_taken_port_is_passed_over() {
        let first = Ports::pick("0a1b2c3d").unwrap();
        let _taken = TcpListener::bind(("127.0.0.1", first.kafka)).unwrap();
        let second = Ports::pick("0a1b2c3d").unwrap();
        assert_eq!(second.postgres, first.postgres);
        assert_ne!(second.kafka, first.kafka);
    }

    #[test]
    fn ports_survive_being_written_and_read() {
        let ports = Ports::pick("0a1b2c3d").unwrap();
        assert_eq!(Ports::from_json(&ports.to_json()), Some(ports));
        assert_eq!(Ports::from_json(&serde_json::json!({ "postgres": 70_000 })), None);
    }
}
