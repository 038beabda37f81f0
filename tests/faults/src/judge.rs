//! What became of every write: pure, over what clients were told and what stands in the topic.
//!
//! The oracle says that database, topic and index agree; this says that what they agree on is what was answered.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use taskwire_oracle::Event;

use crate::fields::numbers;
use crate::finding::{Findings, Kind};
use crate::history::{Outcome, Write, WriteKind};

/// Judges every write by the first occurrences of each task's versions in the topic. Returns how many writes of
/// unknown outcome turned out to be applied.
pub(crate) fn judge(writes: &[Write], events: &BTreeMap<String, Vec<Event>>, findings: &Findings) -> usize {
    let mut trial = Trial {
        writes,
        findings,
        applied: BTreeSet::new(),
    };
    for (task, versions) in events {
        trial.judge_task(task, versions);
    }
    trial.judge_acknowledged();
    let unknown = |number: &&usize| writes[**number].outcome == Outcome::Unknown;
    trial.applied.iter().filter(unknown).count()
}

struct Trial<'a> {
    writes: &'a [Write],
    findings: &'a Findings,
    /// Numbers of writes that made a version.
    applied: BTreeSet<usize>,
}

impl Trial<'_> {
    fn judge_task(&mut self, task: &str, versions: &[Event]) {
        let mut before = (None, None);
        for event in versions {
            let author = if event.kind == "Task.Deleted" {
                self.author_of_deletion(task, event.version)
            } else {
                let now = numbers(&event.value);
                let new = if now.0 == before.0 {
                    now.1.filter(|_| now.1 != before.1)
                } else {
                    now.0
                };
                before = now;
                new.filter(|number| *number < self.writes.len())
            };
            match author {
                Some(number) => self.judge_version(task, event, number),
                None => self.findings.add(
                    Kind::Invented,
                    format!(
                        "{task}: nobody wrote version {}: {} {}",
                        event.version, event.kind, event.value
                    ),
                ),
            }
        }
    }

    /// The deletion that was acknowledged with this version, or else one that may have made it, or else any.
    fn author_of_deletion(&self, task: &str, version: i64) -> Option<usize> {
        let deletions = self
            .writes
            .iter()
            .enumerate()
            .filter(|(_, write)| write.kind == WriteKind::Delete && write.task.as_deref() == Some(task));
        let rank = |(number, write): (usize, &Write)| {
            let rank = match &write.outcome {
                Outcome::Applied { version: told, .. } if *told == version => 0,
                Outcome::Unknown => 1,
                _ => 2,
            };
            (rank, number)
        };
        deletions.map(rank).min().map(|(_, number)| number)
    }

    fn judge_version(&mut self, task: &str, event: &Event, number: usize) {
        let write = &self.writes[number];
        let version = event.version;
        let add = |kind, text: String| {
            let text = format!("{task} version {version}, write {number}: {text}: {write:?}");
            self.findings.add(kind, text);
        };
        if !self.applied.insert(number) {
            add(Kind::AppliedTwice, "applied once more".to_owned());
        }
        if write.task.as_deref().is_some_and(|own| own != task) {
            add(Kind::Invented, "written to another task".to_owned());
        }
        if (write.kind == WriteKind::Create) != (version == 1) {
            add(
                Kind::OutOfOrder,
                "a create makes version 1, and nothing else does".to_owned(),
            );
        }
        if version <= write.floor {
            add(
                Kind::OutOfOrder,
                format!("sent after version {} was acknowledged", write.floor),
            );
        }
        if write.if_match.is_some_and(|asked| asked + 1 != version) {
            add(Kind::OutOfOrder, "against its If-Match".to_owned());
        }
        if write.kind != WriteKind::Delete
            && let Some(difference) = first_difference(&write.fields, &event.value)
        {
            add(
                Kind::Stale,
                format!("the event has not what was written: {difference}"),
            );
        }
        match &write.outcome {
            Outcome::NotApplied(why) => add(Kind::AppliedThoughRefused, format!("the answer was {why}")),
            Outcome::Applied { version: told, task } => {
                let same = task.as_ref().is_none_or(|task| *task == event.value);
                if *told != version || !same {
                    add(
                        Kind::Stale,
                        format!("the event is not what was answered: {}", event.value),
                    );
                }
            }
            Outcome::Unknown => {}
        }
    }

    /// What was acknowledged made a version.
    fn judge_acknowledged(&self) {
        for (number, write) in self.writes.iter().enumerate() {
            if matches!(write.outcome, Outcome::Applied { .. }) && !self.applied.contains(&number) {
                self.findings.add(
                    Kind::Lost,
                    format!("write {number} was acknowledged and left no event: {write:?}"),
                );
            }
        }
    }
}

fn first_difference(fields: &Value, task: &Value) -> Option<String> {
    let fields = fields.as_object()?;
    fields
        .iter()
        .find(|(name, value)| task[name.as_str()] != **value)
        .map(|(name, value)| format!("{name} is {}, not {value}", task[name.as_str()]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};
    use taskwire_oracle::Event;

    use super::judge;
    use crate::fields::marked;
    use crate::finding::{Findings, Kind};
    use crate::history::{History, Outcome, WriteKind};

    fn fields(number: usize) -> Value {
        json!({ "description": marked("text", number) })
    }

    fn task(version: i64, number: usize) -> Value {
        json!({"id": "a", "version": version, "description": marked("text", number)})
    }

    fn event(version: i64, number: usize) -> Event {
        let kind = if version == 1 {
            "Task.Created"
        } else {
            "Task.Updated"
        };
        Event {
            kind: kind.to_owned(),
            version,
            value: task(version, number),
        }
    }

    fn deletion(version: i64) -> Event {
        Event {
            kind: "Task.Deleted".to_owned(),
            version,
            value: json!({"id": "a", "version": version}),
        }
    }

    fn applied(version: i64, number: usize) -> Outcome {
        Outcome::Applied {
            version,
            task: Some(task(version, number)),
        }
    }

    /// A create, a replacement and a deletion of one task, with these outcomes.
    fn history(outcomes: [Outcome; 3]) -> History {
        let history = History::default();
        let kinds = [WriteKind::Create, WriteKind::Replace, WriteKind::Delete];
        for (kind, outcome) in kinds.into_iter().zip(outcomes) {
            let about = (kind != WriteKind::Create).then_some("a");
            let (number, _) = history.begin(kind, about, None, fields);
            history.end(number, outcome);
        }
        history
    }

    fn truth() -> [Outcome; 3] {
        let deleted = Outcome::Applied {
            version: 3,
            task: None,
        };
        [applied(1, 0), applied(2, 1), deleted]
    }

    fn kinds(history: &History, events: Vec<Event>) -> Vec<Kind> {
        let findings = Findings::default();
        judge(
            &history.writes(),
            &BTreeMap::from([("a".to_owned(), events)]),
            &findings,
        );
        findings.all().into_keys().collect()
    }

    #[test]
    fn a_true_story_is_believed() {
        let all = vec![event(1, 0), event(2, 1), deletion(3)];
        assert_eq!(kinds(&history(truth()), all), []);
    }

    #[test]
    fn what_is_unknown_may_have_happened_or_not() {
        let history = history([applied(1, 0), Outcome::Unknown, Outcome::Unknown]);
        assert_eq!(kinds(&history, vec![event(1, 0)]), []);
        assert_eq!(kinds(&history, vec![event(1, 0), event(2, 1), deletion(3)]), []);
        assert_eq!(kinds(&history, vec![event(1, 0), deletion(2)]), []);
    }

    #[test]
    fn an_acknowledged_write_without_an_event_is_lost() {
        assert_eq!(
            kinds(&history(truth()), vec![event(1, 0), event(2, 1)]),
            [Kind::Lost]
        );
        assert_eq!(
            kinds(&history(truth()), vec![event(1, 0), deletion(2)]),
            [Kind::Lost, Kind::Stale, Kind::OutOfOrder]
        );
    }

    #[test]
    fn a_refused_write_that_was_applied_is_found() {
        let refused = || Outcome::NotApplied("503".to_owned());
        let created = history([refused(), Outcome::Unknown, Outcome::Unknown]);
        assert_eq!(kinds(&created, vec![event(1, 0)]), [Kind::AppliedThoughRefused]);
        let replaced = history([applied(1, 0), refused(), Outcome::Unknown]);
        assert_eq!(
            kinds(&replaced, vec![event(1, 0), event(2, 1)]),
            [Kind::AppliedThoughRefused]
        );
        let deleted = history([applied(1, 0), Outcome::Unknown, refused()]);
        assert_eq!(
            kinds(&deleted, vec![event(1, 0), deletion(2)]),
            [Kind::AppliedThoughRefused]
        );
    }

    #[test]
    fn a_write_applied_twice_and_one_that_nobody_made_are_found() {
        let unknown = history([applied(1, 0), Outcome::Unknown, Outcome::Unknown]);
        let back = vec![event(1, 0), event(2, 1), event(3, 0), event(4, 1)];
        assert!(kinds(&unknown, back).contains(&Kind::AppliedTwice));
        assert_eq!(kinds(&unknown, vec![event(1, 0), event(2, 77)]), [Kind::Invented]);
        assert_eq!(kinds(&unknown, vec![event(1, 0), event(2, 0)]), [Kind::Invented]);
    }

    #[test]
    fn another_content_than_was_answered_is_stale() {
        let mut other = event(2, 1);
        other.value["priority"] = "high".into();
        assert_eq!(
            kinds(&history(truth()), vec![event(1, 0), other, deletion(3)]),
            [Kind::Stale]
        );
    }

    #[test]
    fn a_version_against_if_match_or_below_what_was_known_is_out_of_order() {
        let history = history([applied(1, 0), applied(2, 1), Outcome::Unknown]);
        let (number, _) = history.begin(WriteKind::Replace, Some("a"), Some(1), fields);
        history.end(number, applied(3, number));
        assert_eq!(
            kinds(&history, vec![event(1, 0), event(2, 1), event(3, number)]),
            [Kind::OutOfOrder]
        );
        let early = vec![event(1, 0), event(2, number)];
        assert!(kinds(&history, early).contains(&Kind::OutOfOrder));
    }
}
