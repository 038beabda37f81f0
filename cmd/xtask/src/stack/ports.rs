//! Private ports: picked free once, then kept for the life of the stack.

use std::{fs, net::TcpListener, ops::Range};

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Lowest port considered: below it live the services that have a number of their own.
const FLOOR: u16 = 15_000;
/// Highest port considered when the system does not say where outgoing connections begin.
const CEILING: u16 = 32_768;

/// How many further ways into Kafka a stack may have.
const KAFKA_WAYS: usize = 4;

/// A further way into Kafka: whoever comes in by this listener is told to come by that other address, where a proxy
/// stands that can break the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KafkaWay {
    pub(crate) listener: u16,
    pub(crate) advertised: u16,
}

/// The ports of one stack, all on 127.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) postgres: u16,
    pub(crate) kafka: u16,
    pub(crate) kafka_controller: u16,
    pub(crate) elasticsearch: u16,
    pub(crate) elasticsearch_transport: u16,
    /// Only where somebody means to break them.
    pub(crate) kafka_ways: Option<[KafkaWay; KAFKA_WAYS]>,
}

impl Ports {
    /// Picks free ports, beginning at a place that differs between checkouts, so that two stacks started at the same
    /// moment do not reach for the same ones.
    ///
    /// They lie below the range of outgoing connections: while an engine is stopped for a while, no client's
    /// connection can take the port it will come back on.
    pub(crate) fn pick(fingerprint: &str, with_kafka_ways: bool) -> Result<Self> {
        let range = FLOOR..lowest_outgoing_port().unwrap_or(CEILING).max(FLOOR + 1_000);
        let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        let mut candidates = candidates(fingerprint, range).filter(|port| free(*port));
        let mut next = || candidates.next().context("no free port left on 127.0.0.1");
        let mut ports = Self {
            postgres: next()?,
            kafka: next()?,
            kafka_controller: next()?,
            elasticsearch: next()?,
            elasticsearch_transport: next()?,
            kafka_ways: None,
        };
        if with_kafka_ways {
            let mut way = || {
                anyhow::Ok(KafkaWay {
                    listener: next()?,
                    advertised: next()?,
                })
            };
            ports.kafka_ways = Some([way()?, way()?, way()?, way()?]);
        }
        Ok(ports)
    }

    pub(crate) fn to_json(self) -> Value {
        json!({
            "postgres": self.postgres,
            "kafka": self.kafka,
            "kafka_controller": self.kafka_controller,
            "elasticsearch": self.elasticsearch,
            "elasticsearch_transport": self.elasticsearch_transport,
            "kafka_ways": self.kafka_ways.map(|ways| ways.map(|way| [way.listener, way.advertised])),
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
            kafka_ways: value.get("kafka_ways").and_then(ways_from_json),
        })
    }
}

fn ways_from_json(value: &Value) -> Option<[KafkaWay; KAFKA_WAYS]> {
    let port = |value: &Value| u16::try_from(value.as_u64()?).ok();
    let ways = value.as_array()?.iter().map(|way| {
        Some(KafkaWay {
            listener: port(way.get(0)?)?,
            advertised: port(way.get(1)?)?,
        })
    });
    ways.collect::<Option<Vec<_>>>()?.try_into().ok()
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
        let first = Ports::pick("0a1b2c3d", false).unwrap();
        let _taken = TcpListener::bind(("127.0.0.1", first.kafka)).unwrap();
        let second = Ports::pick("0a1b2c3d", false).unwrap();
        assert_eq!(second.postgres, first.postgres);
        assert_ne!(second.kafka, first.kafka);
    }

    #[test]
    fn ports_survive_being_written_and_read() {
        for with_kafka_ways in [false, true] {
            let ports = Ports::pick("0a1b2c3d", with_kafka_ways).unwrap();
            assert_eq!(ports.kafka_ways.is_some(), with_kafka_ways);
            assert_eq!(Ports::from_json(&ports.to_json()), Some(ports));
        }
        assert_eq!(Ports::from_json(&serde_json::json!({ "postgres": 70_000 })), None);
    }
}
