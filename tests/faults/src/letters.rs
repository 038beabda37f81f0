//! The dead letters: exactly the poison, each at least once.

use std::collections::BTreeSet;

use taskwire_oracle::Record;

use crate::finding::{Findings, Kind};
use crate::poison::{MARK, PARKED};

/// Where a record stands in the topic.
type Origin = (String, String);

/// Compares the topic's poison with the dead letters' origins; how much poison there is, and how many letters.
pub(crate) fn judge(records: &[Record], letters: &[Record], findings: &Findings) -> (usize, usize) {
    let poison = records
        .iter()
        .filter(|record| record.header(MARK) == Some(PARKED));
    let poison: BTreeSet<Origin> = poison
        .map(|record| (record.partition.to_string(), record.offset.to_string()))
        .collect();
    let origin = |letter: &Record| -> Option<Origin> {
        let (partition, offset) = (letter.header("dlq.partition")?, letter.header("dlq.offset")?);
        Some((partition.to_owned(), offset.to_owned()))
    };
    let mut parked = BTreeSet::new();
    for letter in letters {
        match origin(letter) {
            Some(origin) if poison.contains(&origin) => {
                parked.insert(origin);
            }
            _ => findings.add(
                Kind::DeadLetterUnexpected,
                format!(
                    "offset {}: {:?} {:?}",
                    letter.offset,
                    letter.headers,
                    letter
                        .value
                        .as_deref()
                        .map(|value| String::from_utf8_lossy(&value[..value.len().min(300)]))
                ),
            ),
        }
    }
    for (partition, offset) in poison.difference(&parked) {
        findings.add(
            Kind::DeadLetterMissing,
            format!("the poison at offset {offset} of partition {partition} was not parked"),
        );
    }
    (poison.len(), letters.len())
}

#[cfg(test)]
mod tests {
    use taskwire_oracle::Record;

    use super::judge;
    use crate::finding::{Findings, Kind};
    use crate::poison::{MARK, PARKED, PASSED};

    fn record(offset: i64, headers: &[(&str, &str)]) -> Record {
        Record {
            partition: 2,
            offset,
            key: None,
            value: Some(b"x".to_vec()),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    fn letter(offset: &str) -> Record {
        record(0, &[("dlq.partition", "2"), ("dlq.offset", offset)])
    }

    #[test]
    fn poison_is_parked_at_least_once_and_nothing_else_is() {
        let topic = [
            record(0, &[]),
            record(1, &[(MARK, PARKED)]),
            record(2, &[(MARK, PASSED)]),
        ];
        let kinds = |letters: &[Record]| {
            let findings = Findings::default();
            judge(&topic, letters, &findings);
            findings.all().into_keys().collect::<Vec<_>>()
        };
        assert_eq!(kinds(&[letter("1"), letter("1")]), []);
        assert_eq!(kinds(&[]), [Kind::DeadLetterMissing]);
        assert_eq!(kinds(&[letter("1"), letter("0")]), [Kind::DeadLetterUnexpected]);
        assert_eq!(kinds(&[letter("1"), letter("2")]), [Kind::DeadLetterUnexpected]);
        assert_eq!(
            kinds(&[letter("1"), record(5, &[])]),
            [Kind::DeadLetterUnexpected]
        );
    }
}
