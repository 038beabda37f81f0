//! Points in time, as every engine can hold them.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, SecondsFormat, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Violation;

/// A point in time in UTC with millisecond precision, in the years 1 to 9999.
///
/// Finer input is truncated: PostgreSQL keeps microseconds and Elasticsearch milliseconds, and a task must read
/// the same from both. As text it is RFC 3339 with exactly three decimals and `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// Truncates to milliseconds. The year is not checked: for times that our own clock or database made.
    pub fn from_utc(time: DateTime<Utc>) -> Self {
        // Through Unix milliseconds, which have no leap second: 23:59:60 becomes the next midnight, as it does
        // in PostgreSQL. They can hold every date that chrono can, so the fallback is never taken.
        let time = time.trunc_subsecs(3);
        Self(DateTime::from_timestamp_millis(time.timestamp_millis()).unwrap_or(time))
    }

    /// So many milliseconds since the Unix epoch, `None` beyond every calendar. The year is not checked, as in
    /// [`from_utc`](Self::from_utc).
    pub fn from_unix_millis(millis: i64) -> Option<Self> {
        DateTime::from_timestamp_millis(millis).map(Self)
    }

    /// The point in time for an adapter that speaks chrono.
    pub fn as_utc(self) -> DateTime<Utc> {
        self.0
    }

    /// So many days of 24 hours later, or earlier.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        Self(self.0 + TimeDelta::days(days))
    }

    /// Milliseconds since the Unix epoch.
    pub fn unix_millis(self) -> i64 {
        self.0.timestamp_millis()
    }
}

impl FromStr for Timestamp {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| {
            Violation::new(
                "invalid-time",
                "must be an RFC 3339 time with an offset, such as 2026-05-01T09:00:00Z",
            )
        })?;
        let time = Self::from_utc(time.with_timezone(&Utc));
        if !(1..=9999).contains(&time.0.year()) {
            return Err(Violation::new(
                "invalid-time",
                "must lie in the years 1 to 9999 (UTC)",
            ));
        }
        Ok(time)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(|violation: Violation| de::Error::custom(violation.detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finer_input_is_truncated_and_printed_with_three_decimals_in_utc() {
        let time: Timestamp = "2026-05-01T11:00:00.123987+02:00".parse().unwrap();
        assert_eq!(time.to_string(), "2026-05-01T09:00:00.123Z");
        let early: Timestamp = "0001-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(early.to_string(), "0001-01-01T00:00:00.000Z");
    }

    #[test]
    fn truncation_before_the_epoch_goes_down_to_the_same_millisecond() {
        let time: Timestamp = "1969-12-31T23:59:59.123987Z".parse().unwrap();
        assert_eq!(time.to_string(), "1969-12-31T23:59:59.123Z");
    }

    #[test]
    fn a_time_without_offset_or_outside_years_1_to_9999_is_refused() {
        for text in [
            "2026-05-01T09:00:00",
            "2026-05-01",
            "0000-12-31T00:00:00Z",
            "9999-12-31T23:59:59-01:00",
            "9999-12-31T23:59:60Z",
            "",
        ] {
            assert_eq!(
                text.parse::<Timestamp>().unwrap_err().code,
                "invalid-time",
                "{text}"
            );
        }
    }

    #[test]
    fn a_leap_second_is_accepted_as_every_engine_will_read_it() {
        let time: Timestamp = "2016-12-31T23:59:60Z".parse().unwrap();
        let again: Timestamp = time.to_string().parse().unwrap();
        assert_eq!(time, again);
        assert_eq!(time.to_string(), "2017-01-01T00:00:00.000Z");
    }
}
