//! How many requests in how much time.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// A number of requests per second, minute or hour, written `100/s`, `600/m`, `5000/h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    requests: NonZeroU32,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
}

impl Unit {
    fn nanoseconds(self) -> u64 {
        let seconds = match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
        };
        seconds * 1_000_000_000
    }
}

impl Rate {
    const MAX_REQUESTS: u32 = 1_000_000;

    /// The number before the slash.
    pub(crate) fn requests(self) -> NonZeroU32 {
        self.requests
    }

    /// The time in which one more request becomes free; at least a microsecond, because of the greatest number.
    pub(crate) fn time_of_one(self) -> Duration {
        Duration::from_nanos(self.unit.nanoseconds() / u64::from(self.requests.get()))
    }
}

impl FromStr for Rate {
    type Err = MalformedRate;

    fn from_str(text: &str) -> Result<Self, MalformedRate> {
        let (number, unit) = text.split_once('/').ok_or(MalformedRate)?;
        let unit = match unit {
            "s" => Unit::Second,
            "m" => Unit::Minute,
            "h" => Unit::Hour,
            _ => return Err(MalformedRate),
        };
        let requests: u32 = number.parse().map_err(|_| MalformedRate)?;
        NonZeroU32::new(requests)
            .filter(|requests| requests.get() <= Self::MAX_REQUESTS)
            .map(|requests| Self { requests, unit })
            .ok_or(MalformedRate)
    }
}

/// It is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedRate;

impl fmt::Display for MalformedRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "write a number of requests, at least 1 and at most {}, and the time in which they are allowed: 100/s, \
             600/m or 5000/h",
            Rate::MAX_REQUESTS
        )
    }
}

impl std::error::Error for MalformedRate {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_unit() {
        for (text, microseconds) in [
            ("100/s", 10_000),
            ("600/m", 100_000),
            ("3600/h", 1_000_000),
            ("1000000/s", 1),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(rate.time_of_one(), Duration::from_micros(microseconds), "{text}");
        }
        for text in [
            "",
            "100",
            "/s",
            "100/",
            "100/d",
            "0/s",
            "-1/s",
            "1.5/s",
            "1000001/s",
            "100 /s",
        ] {
            assert_eq!(text.parse::<Rate>(), Err(MalformedRate), "{text}");
        }
    }
}
