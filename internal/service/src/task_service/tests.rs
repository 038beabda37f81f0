//! The rules of the use cases, over a repository in memory that can lose races on demand.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use taskwire_conformance::memory_repository::{MemoryRepository, Rival, State};
use taskwire_domain::{
    Categories, ConsistencyToken, Dates, Description, MistypedText, Priority, SearchFilter, SearchPage,
    SearchQuery, Timestamp, Version, WalkPage, WalkStep,
};
use uuid::Uuid;

use super::*;
use crate::Versions;

mod bulk;
mod bulk_equals_single_writes;
mod cascade;
mod keys;
mod list;
mod patch;
mod searches;

const TASK: &str = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10";
const OTHER: &str = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a11";
const NOON: &str = "2026-05-01T12:00:00.000Z";
const LATER: &str = "2026-05-01T13:00:00.000Z";

fn renames(name: &'static str) -> Rival {
    Box::new(move |state| rename(state, name))
}

fn deletes() -> Rival {
    Box::new(|state| drop(state.tasks.remove(&id())))
}

fn rename(state: &mut State, name: &str) {
    let task = state.tasks.get_mut(&id()).unwrap();
    *task = task.with_fields(fields(name), at(NOON)).unwrap();
}

/// The version is new each time, and so is the name.
fn rename_again(state: &mut State) {
    let name = format!("after version {}", state.tasks[&id()].version);
    rename(state, &name);
}

struct NoSearch;

#[async_trait]
impl TaskSearch for NoSearch {
    async fn search(&self, _: &SearchQuery) -> Result<SearchPage, Error> {
        Ok(SearchPage::default())
    }

    async fn walk(&self, _: &SearchQuery, _: &WalkStep) -> Result<WalkPage, Error> {
        Ok(WalkPage::default())
    }

    async fn likest(&self, _: &MistypedText, _: &SearchFilter) -> Result<Vec<Task>, Error> {
        Ok(Vec::new())
    }

    async fn await_writes(&self, _: &[ConsistencyToken], _: Duration) -> Result<bool, Error> {
        Ok(true)
    }
}

struct FixedClock(&'static str);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        at(self.0)
    }
}

/// 1000, 1001, and so on.
struct CountingIds(Mutex<u128>);

impl Default for CountingIds {
    fn default() -> Self {
        Self(Mutex::new(1_000))
    }
}

impl IdSource for CountingIds {
    fn next_id(&self) -> TaskId {
        let mut next = self.0.lock().unwrap();
        *next += 1;
        numbered(*next - 1)
    }
}

fn numbered(number: u128) -> TaskId {
    TaskId::from_uuid(Uuid::from_u128(number))
}

struct FixedId;

impl IdSource for FixedId {
    fn next_id(&self) -> TaskId {
        id()
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn id() -> TaskId {
    TASK.parse().unwrap()
}

fn version(number: i64) -> Version {
    Version::new(number).unwrap()
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

/// A repository that holds one task, "old", created at noon, at version 1.
fn holding_one(settings: MemoryRepository) -> Arc<MemoryRepository> {
    let task = Task::create(id(), fields("old"), at(NOON));
    settings.state.lock().unwrap().tasks.insert(task.id, task);
    Arc::new(settings)
}

fn service_at(now: &'static str, repository: &Arc<MemoryRepository>) -> TaskService {
    service_with(Arc::new(FixedId), now, repository)
}

fn counting_service_at(now: &'static str, repository: &Arc<MemoryRepository>) -> TaskService {
    service_with(Arc::new(CountingIds::default()), now, repository)
}

fn service_with(
    ids: Arc<dyn IdSource>,
    now: &'static str,
    repository: &Arc<MemoryRepository>,
) -> TaskService {
    let clock = Arc::new(FixedClock(now));
    let repository = Arc::clone(repository) as Arc<dyn TaskRepository>;
    TaskService::new(repository, Arc::new(NoSearch), clock, ids)
}

/// Number `number`, created at noon, below number `parent`.
fn task(number: u128, parent: Option<u128>) -> Task {
    let fields = TaskFields {
        parent_id: parent.map(numbered),
        ..fields("old")
    };
    Task::create(numbered(number), fields, at(NOON))
}

fn updated_payload(description: &str, version: u32) -> String {
    format!(
        r#"{{"type":"Task.Updated","value":{{"id":"{TASK}","externalId":null,"description":"{description}","priority":"none","dates":{{"start":null,"due":null}},"isDone":false,"parentId":null,"categories":[],"createdAt":"{NOON}","updatedAt":"{LATER}","completedAt":null,"version":{version}}}}}"#
    )
}

fn deleted_payload(version: u32, deleted_at: &str) -> String {
    format!(
        r#"{{"type":"Task.Deleted","value":{{"id":"{TASK}","version":{version},"deletedAt":"{deleted_at}"}}}}"#
    )
}

#[tokio::test]
async fn a_new_task_is_version_1_and_its_event_carries_it_whole_with_the_trace() {
    let repository = Arc::new(MemoryRepository::default());
    let service = service_at(NOON, &repository);
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let written = service.create(fields("new"), Some(trace)).await.unwrap();
    assert_eq!(written.task, Task::create(id(), fields("new"), at(NOON)));
    assert_eq!(written.token.to_string(), format!("{TASK}@1"));
    let payload = format!(
        r#"{{"type":"Task.Created","value":{{"id":"{TASK}","externalId":null,"description":"new","priority":"none","dates":{{"start":null,"due":null}},"isDone":false,"parentId":null,"categories":[],"createdAt":"{NOON}","updatedAt":"{NOON}","completedAt":null,"version":1}}}}"#
    );
    assert_eq!(repository.payloads(), [payload]);
    let events = repository.state().events;
    assert_eq!(
        events[0].headers.last().unwrap(),
        &("traceparent".to_owned(), trace.to_owned())
    );
}

#[tokio::test]
async fn a_missing_task_is_not_found_by_every_use_case_before_its_precondition_is_judged() {
    let repository = Arc::new(MemoryRepository::default());
    let service = service_at(NOON, &repository);
    let never = Precondition::only(Versions::NONE);
    assert!(matches!(service.get(id()).await, Err(Error::NotFound(missing)) if missing == id()));
    let replaced = service.replace(id(), fields("new"), &never, None).await;
    assert!(matches!(replaced, Err(Error::NotFound(_))), "{replaced:?}");
    let patched = service.patch(id(), &TaskPatch::default(), &never, None).await;
    assert!(matches!(patched, Err(Error::NotFound(_))), "{patched:?}");
    let deleted = service.delete(id(), &never, None).await;
    assert!(matches!(deleted, Err(Error::NotFound(_))), "{deleted:?}");
    assert_eq!(repository.attempts(), 0);
}

#[tokio::test]
async fn a_replacement_is_the_next_version_with_one_event() {
    let repository = holding_one(MemoryRepository::default());
    let written = service_at(LATER, &repository)
        .replace(id(), fields("new"), &Precondition::ANY, None)
        .await
        .unwrap();
    assert_eq!(
        (written.task.version, written.task.updated_at),
        (version(2), at(LATER))
    );
    assert_eq!(written.token.to_string(), format!("{TASK}@2"));
    assert_eq!(repository.payloads(), [updated_payload("new", 2)]);
}

#[tokio::test]
async fn a_replacement_that_changes_nothing_keeps_the_version_and_writes_nothing() {
    let repository = holding_one(MemoryRepository::default());
    let written = service_at(LATER, &repository)
        .replace(
            id(),
            fields("old"),
            &Precondition::only(Versions::These(vec![version(1)])),
            None,
        )
        .await
        .unwrap();
    assert_eq!(
        (written.task.version, written.task.updated_at),
        (version(1), at(NOON))
    );
    assert_eq!(written.token.to_string(), format!("{TASK}@1"));
    assert_eq!(repository.attempts(), 0);
}

#[tokio::test]
async fn a_replacement_that_loses_two_races_is_decided_anew_and_applied_once() {
    let repository = holding_one(MemoryRepository {
        rivals: Mutex::new([renames("b"), renames("c")].into()),
        ..MemoryRepository::default()
    });
    let written = service_at(LATER, &repository)
        .replace(id(), fields("new"), &Precondition::ANY, None)
        .await
        .unwrap();
    assert_eq!(written.token.to_string(), format!("{TASK}@4"));
    assert_eq!(repository.attempts(), 3);
    assert_eq!(repository.payloads(), [updated_payload("new", 4)]);
}

#[tokio::test]
async fn a_replacement_that_lost_its_race_to_an_equal_one_changes_nothing() {
    let repository = holding_one(MemoryRepository {
        rivals: Mutex::new([renames("new")].into()),
        ..MemoryRepository::default()
    });
    let written = service_at(LATER, &repository)
        .replace(id(), fields("new"), &Precondition::ANY, None)
        .await
        .unwrap();
    assert_eq!(written.token.to_string(), format!("{TASK}@2"));
    assert!(repository.payloads().is_empty());
}

#[tokio::test]
async fn a_replacement_that_lost_its_race_to_a_deletion_is_not_found() {
    let repository = holding_one(MemoryRepository {
        rivals: Mutex::new([deletes()].into()),
        ..MemoryRepository::default()
    });
    let outcome = service_at(LATER, &repository)
        .replace(id(), fields("new"), &Precondition::ANY, None)
        .await;
    assert!(matches!(outcome, Err(Error::NotFound(_))), "{outcome:?}");
}

#[tokio::test]
async fn named_versions_are_not_retried_past_even_when_the_race_is_lost_late() {
    let repository = holding_one(MemoryRepository {
        rivals: Mutex::new([renames("b"), renames("c")].into()),
        ..MemoryRepository::default()
    });
    let named = Precondition::only(Versions::These(vec![version(1), version(2)]));
    let outcome = service_at(LATER, &repository)
        .replace(id(), fields("new"), &named, None)
        .await;
    assert!(
        matches!(&outcome, Err(Error::Conflict(Conflict::VersionMismatch { current })) if *current == version(3)),
        "{outcome:?}"
    );
    assert_eq!(repository.attempts(), 2);
    assert!(repository.payloads().is_empty());
}

#[tokio::test]
async fn a_named_version_that_is_not_the_tasks_refuses_even_a_write_that_changes_nothing() {
    let repository = holding_one(MemoryRepository::default());
    let outcome = service_at(LATER, &repository)
        .replace(
            id(),
            fields("old"),
            &Precondition::only(Versions::These(vec![version(7)])),
            None,
        )
        .await;
    assert!(
        matches!(outcome, Err(Error::Conflict(Conflict::VersionMismatch { .. }))),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_task_that_never_stands_still_is_contended_after_a_bounded_number_of_attempts() {
    let rivalry = || {
        holding_one(MemoryRepository {
            endless_rival: Some(rename_again),
            ..MemoryRepository::default()
        })
    };
    let repository = rivalry();
    let outcome = service_at(LATER, &repository)
        .replace(id(), fields("new"), &Precondition::ANY, None)
        .await;
    assert!(
        matches!(outcome, Err(Error::Conflict(Conflict::Contended))),
        "{outcome:?}"
    );
    assert_eq!(repository.attempts(), MAX_ATTEMPTS);
    assert!(repository.payloads().is_empty());

    let repository = rivalry();
    let outcome = service_at(LATER, &repository)
        .delete(id(), &Precondition::ANY, None)
        .await;
    assert!(
        matches!(outcome, Err(Error::Conflict(Conflict::Contended))),
        "{outcome:?}"
    );
    assert!(repository.payloads().is_empty());
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_never_sent_again() {
    let repository = holding_one(MemoryRepository {
        answer_lost: true,
        ..MemoryRepository::default()
    });
    let service = service_at(LATER, &repository);
    let any = Precondition::ANY;
    let created = service.create(fields("new"), None).await;
    assert!(matches!(created, Err(Error::OutcomeUnknown { .. })));
    let replaced = service.replace(id(), fields("new"), &any, None).await;
    assert!(matches!(replaced, Err(Error::OutcomeUnknown { .. })));
    let deleted = service.delete(id(), &any, None).await;
    assert!(matches!(deleted, Err(Error::OutcomeUnknown { .. })));
    assert_eq!(repository.attempts(), 3);
}

#[tokio::test]
async fn a_deletion_answers_the_last_state_and_the_version_of_its_tombstone() {
    let repository = holding_one(MemoryRepository::default());
    let service = service_at(LATER, &repository);
    let written = service.delete(id(), &Precondition::ANY, None).await.unwrap();
    assert_eq!(written.task, Task::create(id(), fields("old"), at(NOON)));
    assert_eq!(written.token.to_string(), format!("{TASK}@2"));
    assert_eq!(repository.payloads(), [deleted_payload(2, LATER)]);
    assert!(matches!(service.get(id()).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn a_deletion_that_loses_two_races_leaves_one_tombstone_above_them() {
    let repository = holding_one(MemoryRepository {
        rivals: Mutex::new([renames("b"), renames("c")].into()),
        ..MemoryRepository::default()
    });
    let written = service_at(LATER, &repository)
        .delete(id(), &Precondition::ANY, None)
        .await
        .unwrap();
    assert_eq!(written.task.fields.description.as_str(), "c");
    assert_eq!(repository.payloads(), [deleted_payload(4, LATER)]);
}

#[tokio::test]
async fn a_clock_set_back_does_not_delete_a_task_before_it_was_changed() {
    let repository = holding_one(MemoryRepository::default());
    let service = service_at("2026-05-01T11:00:00.000Z", &repository);
    service.delete(id(), &Precondition::ANY, None).await.unwrap();
    assert_eq!(repository.payloads(), [deleted_payload(2, NOON)]);
}

#[tokio::test]
async fn another_task_is_left_alone() {
    let repository = holding_one(MemoryRepository::default());
    let other = Task::create(OTHER.parse().unwrap(), fields("other"), at(NOON));
    repository
        .state
        .lock()
        .unwrap()
        .tasks
        .insert(other.id, other.clone());
    let service = service_at(LATER, &repository);
    service.delete(id(), &Precondition::ANY, None).await.unwrap();
    assert_eq!(service.get(other.id).await.unwrap(), other);
}
