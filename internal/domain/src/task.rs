//! The task and its parts.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Description, ExternalId, Timestamp, Violation};

/// A task's identity: a UUIDv7 made by the service, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(Uuid);

impl TaskId {
    /// The id that an [`IdSource`](crate::IdSource) made or an engine returned.
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID for an adapter.
    pub fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl FromStr for TaskId {
    type Err = Violation;

    /// Takes the hyphenated form alone, so that one task has one URL (in either case).
    fn from_str(text: &str) -> Result<Self, Violation> {
        let hyphenated = text.len() == 36;
        Uuid::try_parse(text)
            .ok()
            .filter(|_| hyphenated)
            .map(Self)
            .ok_or_else(|| {
                Violation::new(
                    "invalid-uuid",
                    "must be a UUID, such as 0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10",
                )
            })
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A task's version: 1 at creation, one more with every change. It is the ETag, the event's version and the
/// document's external version. Signed because PostgreSQL's `bigint` and Elasticsearch's `long` are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Version(i64);

impl Version {
    /// The version of a task just created.
    pub const FIRST: Self = Self(1);

    /// A version that an engine returned or a caller named; `None` below 1.
    pub fn new(version: i64) -> Option<Self> {
        (version >= 1).then_some(Self(version))
    }

    /// The version after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The number.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for Version {
    type Error = &'static str;

    fn try_from(version: i64) -> Result<Self, Self::Error> {
        Self::new(version).ok_or("a version is at least 1")
    }
}

impl From<Version> for i64 {
    fn from(version: Version) -> Self {
        version.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How urgent a task is. The order of the variants is the order of urgency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Not said.
    #[default]
    None,
    /// Can wait.
    Low,
    /// Soon.
    Medium,
    /// Now.
    High,
}

impl Priority {
    /// Every value, least urgent first.
    pub const ALL: [Self; 4] = [Self::None, Self::Low, Self::Medium, Self::High];

    /// The name used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// 0 (none) to 3 (high): what engines sort by.
    pub fn rank(self) -> i16 {
        self as i16
    }

    /// The inverse of [`Priority::rank`].
    pub fn from_rank(rank: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.rank() == rank)
    }
}

impl FromStr for Priority {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        Self::ALL
            .into_iter()
            .find(|priority| priority.as_str() == text)
            .ok_or_else(|| Violation::new("unknown-priority", "must be one of none, low, medium, high"))
    }
}

/// When a task starts and when it is due; either may be open. `start <= due`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dates {
    start: Option<Timestamp>,
    due: Option<Timestamp>,
}

impl Dates {
    /// Checks that the task does not end before it starts.
    pub fn new(start: Option<Timestamp>, due: Option<Timestamp>) -> Result<Self, Violation> {
        match (start, due) {
            (Some(start), Some(due)) if start > due => Err(Violation::new(
                "start-after-due",
                "start must not be later than due",
            )),
            _ => Ok(Self { start, due }),
        }
    }

    /// When it starts.
    pub fn start(self) -> Option<Timestamp> {
        self.start
    }

    /// When it is due.
    pub fn due(self) -> Option<Timestamp> {
        self.due
    }
}

/// The labels of a task: at most 32, each 1 to 64 characters once trimmed, no two alike when case is ignored;
/// the caller's order is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Categories(Vec<String>);

impl Categories {
    /// The greatest number of categories on a task.
    pub const MAX_COUNT: usize = 32;
    /// The greatest length of one, in Unicode scalar values.
    pub const MAX_CHARS: usize = 64;

    /// Trims each and checks every rule. A violation carries the index of the category it is about, `None` when
    /// it is about the list.
    pub fn parse(names: Vec<String>) -> Result<Self, Vec<(Option<usize>, Violation)>> {
        let mut violations = Vec::new();
        if names.len() > Self::MAX_COUNT {
            return Err(vec![(
                None,
                Violation::new("too-many", "must have at most 32 categories"),
            )]);
        }
        let mut seen = HashSet::new();
        let mut kept = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let name = name.trim();
            match Self::check(name) {
                Err(violation) => violations.push((Some(index), violation)),
                Ok(()) if !seen.insert(folded(name)) => {
                    let violation = Violation::new("duplicate", "repeats another category, apart from case");
                    violations.push((Some(index), violation));
                }
                Ok(()) => kept.push(name.to_owned()),
            }
        }
        if violations.is_empty() {
            Ok(Self(kept))
        } else {
            Err(violations)
        }
    }

    fn check(name: &str) -> Result<(), Violation> {
        if name.is_empty() || name.chars().count() > Self::MAX_CHARS {
            return Err(Violation::new(
                "invalid-length",
                "must have 1 to 64 characters besides surrounding space",
            ));
        }
        if name.contains('\0') {
            return Err(Violation::new(
                "nul-character",
                "must not contain the character U+0000",
            ));
        }
        Ok(())
    }

    /// The names, in the caller's order.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl TryFrom<Vec<String>> for Categories {
    type Error = String;

    fn try_from(names: Vec<String>) -> Result<Self, String> {
        Self::parse(names).map_err(|violations| match violations.into_iter().next() {
            Some((_, violation)) => format!("a category {}", violation.detail),
            None => "the categories break a rule".to_owned(),
        })
    }
}

impl From<Categories> for Vec<String> {
    fn from(categories: Categories) -> Self {
        categories.0
    }
}

/// The name without its case. By way of upper case, so that `ß` equals `SS` and a final sigma any other.
fn folded(name: &str) -> String {
    name.to_uppercase().to_lowercase()
}

/// What a caller can write: a task without its server-made fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskFields {
    /// The caller's own key.
    pub external_id: Option<ExternalId>,
    /// What is to be done.
    pub description: Description,
    /// How urgent it is.
    pub priority: Priority,
    /// When it starts and is due.
    pub dates: Dates,
    /// Whether it is done.
    pub is_done: bool,
    /// The task it is a part of.
    pub parent_id: Option<TaskId>,
    /// Its labels.
    pub categories: Categories,
}

impl TaskFields {
    /// The parent that these fields give a task which has not been below it so far.
    pub fn new_parent(&self, before: &Self) -> Option<TaskId> {
        self.parent_id.filter(|_| self.parent_id != before.parent_id)
    }
}

/// A task as it stands at one version. Serialised, it is the `task` of an answer and the `value` of an event:
/// every field present, `null` when unset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Its identity.
    pub id: TaskId,
    /// What the caller wrote.
    #[serde(flatten)]
    pub fields: TaskFields,
    /// When it was created.
    pub created_at: Timestamp,
    /// When this version was written.
    pub updated_at: Timestamp,
    /// When it last became done; `None` while it is not.
    pub completed_at: Option<Timestamp>,
    /// Which version this is.
    pub version: Version,
}

impl Task {
    /// The first version of a new task.
    pub fn create(id: TaskId, fields: TaskFields, now: Timestamp) -> Self {
        let completed_at = fields.is_done.then_some(now);
        Self {
            id,
            fields,
            created_at: now,
            updated_at: now,
            completed_at,
            version: Version::FIRST,
        }
    }

    /// The next version with other fields, or `None` when nothing would change: such a write keeps the version
    /// and makes no event.
    pub fn with_fields(&self, fields: TaskFields, now: Timestamp) -> Option<Self> {
        if fields == self.fields {
            return None;
        }
        // A clock set back must not make a task that was changed before it was created.
        let updated_at = now.max(self.updated_at);
        let completed_at = match (self.fields.is_done, fields.is_done) {
            (_, false) => None,
            (false, true) => Some(updated_at),
            (true, true) => self.completed_at,
        };
        let version = self.version.next();
        Some(Self {
            id: self.id,
            fields,
            created_at: self.created_at,
            updated_at,
            completed_at,
            version,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn fields(description: &str) -> TaskFields {
        TaskFields {
            external_id: None,
            description: Description::parse(description.into()).unwrap(),
            priority: Priority::None,
            dates: Dates::default(),
            is_done: false,
            parent_id: None,
            categories: Categories::default(),
        }
    }

    #[test]
    fn every_field_is_present_in_json_and_null_when_unset() {
        let id = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10".parse().unwrap();
        let task = Task::create(id, fields("buy milk"), at("2026-05-01T09:00:00Z"));
        let json = serde_json::to_value(&task).unwrap();
        let wanted = serde_json::json!({
            "id": "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10", "externalId": null, "description": "buy milk",
            "priority": "none", "dates": {"start": null, "due": null}, "isDone": false, "parentId": null,
            "categories": [], "createdAt": "2026-05-01T09:00:00.000Z", "updatedAt": "2026-05-01T09:00:00.000Z",
            "completedAt": null, "version": 1
        });
        assert_eq!(json, wanted);
        assert_eq!(serde_json::from_value::<Task>(json).unwrap(), task);
    }

    #[test]
    fn a_change_is_the_next_version_and_no_change_is_none() {
        let id = TaskId::from_uuid(Uuid::nil());
        let task = Task::create(id, fields("a"), at("2026-05-01T09:00:00Z"));
        assert_eq!(task.with_fields(fields("a"), at("2026-05-02T09:00:00Z")), None);
        let next = task.with_fields(fields("b"), at("2026-05-02T09:00:00Z")).unwrap();
        assert_eq!(
            (next.version.get(), next.updated_at),
            (2, at("2026-05-02T09:00:00Z"))
        );
        assert_eq!(next.created_at, task.created_at);
    }

    #[test]
    fn completed_at_is_when_it_became_done_and_goes_when_it_is_not() {
        let id = TaskId::from_uuid(Uuid::nil());
        let task = Task::create(id, fields("a"), at("2026-05-01T09:00:00Z"));
        let done = TaskFields {
            is_done: true,
            ..fields("a")
        };
        let task = task
            .with_fields(done.clone(), at("2026-05-02T09:00:00Z"))
            .unwrap();
        assert_eq!(task.completed_at, Some(at("2026-05-02T09:00:00Z")));
        let renamed = TaskFields {
            description: fields("b").description,
            ..done
        };
        let task = task.with_fields(renamed, at("2026-05-03T09:00:00Z")).unwrap();
        assert_eq!(task.completed_at, Some(at("2026-05-02T09:00:00Z")));
        let task = task.with_fields(fields("b"), at("2026-05-04T09:00:00Z")).unwrap();
        assert_eq!(task.completed_at, None);
    }

    #[test]
    fn a_clock_set_back_does_not_reorder_a_task_s_times() {
        let id = TaskId::from_uuid(Uuid::nil());
        let task = Task::create(id, fields("a"), at("2026-05-02T09:00:00Z"));
        let done = TaskFields {
            is_done: true,
            ..fields("a")
        };
        let task = task.with_fields(done, at("2026-05-01T09:00:00Z")).unwrap();
        assert_eq!(
            (task.updated_at, task.completed_at),
            (task.created_at, Some(task.created_at))
        );
    }

    #[test]
    fn start_may_equal_due_but_not_pass_it() {
        let (early, late) = (at("2026-05-01T09:00:00Z"), at("2026-05-02T09:00:00Z"));
        assert!(Dates::new(Some(early), Some(early)).is_ok());
        assert!(Dates::new(Some(late), None).is_ok());
        assert_eq!(
            Dates::new(Some(late), Some(early)).unwrap_err().code,
            "start-after-due"
        );
    }

    #[test]
    fn categories_are_trimmed_and_unique_when_case_is_ignored() {
        let parsed = Categories::parse(vec![" Home ".into(), "work".into()]).unwrap();
        assert_eq!(parsed.as_slice(), ["Home", "work"]);
        let violations = Categories::parse(vec!["Straße".into(), " ".into(), "STRASSE".into()]).unwrap_err();
        let codes: Vec<_> = violations
            .iter()
            .map(|(index, violation)| (*index, violation.code))
            .collect();
        assert_eq!(codes, [(Some(1), "invalid-length"), (Some(2), "duplicate")]);
        assert_eq!(
            Categories::parse(vec!["x".into(); 33]).unwrap_err()[0].1.code,
            "too-many"
        );
    }

    #[test]
    fn an_id_is_taken_in_its_hyphenated_form_alone() {
        let text = "0199C5A0-7d9f-7cc1-a3c8-5f2f1d4b7a10";
        assert_eq!(text.parse::<TaskId>().unwrap().to_string(), text.to_lowercase());
        for wrong in [
            "0199c5a07d9f7cc1a3c85f2f1d4b7a10",
            "{0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10}",
            "17",
            "",
        ] {
            assert_eq!(
                wrong.parse::<TaskId>().unwrap_err().code,
                "invalid-uuid",
                "{wrong}"
            );
        }
    }
}
