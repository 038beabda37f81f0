//! The rules of the use cases, over a repository in memory that can lose races on demand.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use taskwire_domain::{Categories, Dates, Description, EncodedEvent, Priority, Timestamp, Version};

use super::*;

const TASK: &str = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10";
const OTHER: &str = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a11";
const NOON: &str = "2026-05-01T12:00:00.000Z";
const LATER: &str = "2026-05-01T13:00:00.000Z";

/// What happens in the database just before the next write arrives there.
enum Rival {
    /// Somebody else renames the task.
    Renames(&'static str),
    /// Somebody else deletes it.
    Deletes,
}

#[derive(Default)]
struct FakeRepository {
    tasks: Mutex<HashMap<TaskId, Task>>,
    events: Mutex<Vec<EncodedEvent>>,
    rivals: Mutex<Vec<Rival>>,
    endless_rivalry: bool,
    attempts: Mutex<u32>,
    answer_lost: bool,
}

impl FakeRepository {
    fn race(&self, id: TaskId) -> Result<(), Error> {
        *self.attempts.lock().unwrap() += 1;
        if self.answer_lost {
            return Err(Error::OutcomeUnknown {
                cause: "connection reset".into(),
            });
        }
        let mut tasks = self.tasks.lock().unwrap();
        let mut rivals = self.rivals.lock().unwrap();
        match (!rivals.is_empty()).then(|| rivals.remove(0)) {
            Some(Rival::Deletes) => {
                tasks.remove(&id);
            }
            Some(Rival::Renames(name)) => rename(&mut tasks, id, name),
            None if self.endless_rivalry => {
                let name = format!("attempt {}", self.attempts.lock().unwrap());
                rename(&mut tasks, id, &name);
            }
            None => {}
        }
        Ok(())
    }

    fn payloads(&self) -> Vec<String> {
        let events = self.events.lock().unwrap();
        events
            .iter()
            .map(|event| String::from_utf8(event.payload.to_vec()).unwrap())
            .collect()
    }
}

fn rename(tasks: &mut HashMap<TaskId, Task>, id: TaskId, name: &str) {
    let task = tasks.get_mut(&id).unwrap();
    *task = task.with_fields(fields(name), at(NOON)).unwrap();
}

#[async_trait]
impl TaskRepository for FakeRepository {
    async fn create(&self, task: &Task, event: &EncodedEvent) -> Result<(), Error> {
        self.race(task.id)?;
        self.tasks.lock().unwrap().insert(task.id, task.clone());
        self.events.lock().unwrap().push(event.clone());
        Ok(())
    }

    async fn update(&self, task: &Task, expected: Version, event: &EncodedEvent) -> Result<Written, Error> {
        self.race(task.id)?;
        let mut tasks = self.tasks.lock().unwrap();
        if tasks.get(&task.id).map(|held| held.version) != Some(expected) {
            return Ok(Written::Stale);
        }
        tasks.insert(task.id, task.clone());
        self.events.lock().unwrap().push(event.clone());
        Ok(Written::Applied)
    }

    async fn delete(
        &self,
        deleted: &DeletedTask,
        expected: Version,
        event: &EncodedEvent,
    ) -> Result<Written, Error> {
        self.race(deleted.id)?;
        let mut tasks = self.tasks.lock().unwrap();
        if tasks.get(&deleted.id).map(|held| held.version) != Some(expected) {
            return Ok(Written::Stale);
        }
        tasks.remove(&deleted.id);
        self.events.lock().unwrap().push(event.clone());
        Ok(Written::Applied)
    }

    async fn find(&self, id: TaskId) -> Result<Option<Task>, Error> {
        Ok(self.tasks.lock().unwrap().get(&id).cloned())
    }
}

struct NoSearch;

#[async_trait]
impl TaskSearch for NoSearch {
    async fn search(&self, _: &SearchQuery) -> Result<SearchPage, Error> {
        Ok(SearchPage {
            tasks: Vec::new(),
            total: 0,
        })
    }
}

struct FixedClock(&'static str);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        at(self.0)
    }
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
fn holding_one(settings: FakeRepository) -> Arc<FakeRepository> {
    let task = Task::create(id(), fields("old"), at(NOON));
    settings.tasks.lock().unwrap().insert(task.id, task);
    Arc::new(settings)
}

fn service_at(now: &'static str, repository: &Arc<FakeRepository>) -> TaskService {
    TaskService::new(
        Arc::clone(repository) as Arc<dyn TaskRepository>,
        Arc::new(NoSearch),
        Arc::new(FixedClock(now)),
        Arc::new(FixedId),
    )
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
    let repository = Arc::new(FakeRepository::default());
    let service = service_at(NOON, &repository);
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let written = service.create(fields("new"), Some(trace)).await.unwrap();
    assert_eq!(written.task, Task::create(id(), fields("new"), at(NOON)));
    assert_eq!(written.token.to_string(), format!("{TASK}@1"));
    let payload = format!(
        r#"{{"type":"Task.Created","value":{{"id":"{TASK}","externalId":null,"description":"new","priority":"none","dates":{{"start":null,"due":null}},"isDone":false,"parentId":null,"categories":[],"createdAt":"{NOON}","updatedAt":"{NOON}","completedAt":null,"version":1}}}}"#
    );
    assert_eq!(repository.payloads(), [payload]);
    let events = repository.events.lock().unwrap();
    assert_eq!(
        events[0].headers.last().unwrap(),
        &("traceparent".to_owned(), trace.to_owned())
    );
}

#[tokio::test]
async fn a_missing_task_is_not_found_by_every_use_case_before_its_precondition_is_judged() {
    let repository = Arc::new(FakeRepository::default());
    let service = service_at(NOON, &repository);
    let never = Precondition::OneOf(Vec::new());
    assert!(matches!(service.get(id()).await, Err(Error::NotFound(missing)) if missing == id()));
    let replaced = service.replace(id(), fields("new"), &never, None).await;
    assert!(matches!(replaced, Err(Error::NotFound(_))), "{replaced:?}");
    let deleted = service.delete(id(), &never, None).await;
    assert!(matches!(deleted, Err(Error::NotFound(_))), "{deleted:?}");
    assert_eq!(*repository.attempts.lock().unwrap(), 0);
}

#[tokio::test]
async fn a_replacement_is_the_next_version_with_one_event() {
    let repository = holding_one(FakeRepository::default());
    let written = service_at(LATER, &repository)
        .replace(id(), fields("new"), &Precondition::Any, None)
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
    let repository = holding_one(FakeRepository::default());
    let written = service_at(LATER, &repository)
        .replace(id(), fields("old"), &Precondition::OneOf(vec![version(1)]), None)
        .await
        .unwrap();
    assert_eq!(
        (written.task.version, written.task.updated_at),
        (version(1), at(NOON))
    );
    assert_eq!(written.token.to_string(), format!("{TASK}@1"));
    assert_eq!(*repository.attempts.lock().unwrap(), 0);
}

#[tokio::test]
async fn a_replacement_that_loses_two_races_is_decided_anew_and_applied_once() {
    let repository = holding_one(FakeRepository {
        rivals: Mutex::new(vec![Rival::Renames("b"), Rival::Renames("c")]),
        ..FakeRepository::default()
    });
    let written = service_at(LATER, &repository)
        .replace(id(), fields("new"), &Precondition::Any, None)
        .await
        .unwrap();
    assert_eq!(written.token.to_string(), format!("{TASK}@4"));
    assert_eq!(*repository.attempts.lock().unwrap(), 3);
    assert_eq!(repository.payloads(), [updated_payload("new", 4)]);
}

#[tokio::test]
async fn a_replacement_that_lost_its_race_to_an_equal_one_changes_nothing() {
    let repository = holding_one(FakeRepository {
        rivals: Mutex::new(vec![Rival::Renames("new")]),
        ..FakeRepository::default()
    });
    let written = service_at(LATER, &repository)
        .replace(id(), fields("new"), &Precondition::Any, None)
        .await
        .unwrap();
    assert_eq!(written.token.to_string(), format!("{TASK}@2"));
    assert!(repository.payloads().is_empty());
}

#[tokio::test]
async fn a_replacement_that_lost_its_race_to_a_deletion_is_not_found() {
    let repository = holding_one(FakeRepository {
        rivals: Mutex::new(vec![Rival::Deletes]),
        ..FakeRepository::default()
    });
    let outcome = service_at(LATER, &repository)
        .replace(id(), fields("new"), &Precondition::Any, None)
        .await;
    assert!(matches!(outcome, Err(Error::NotFound(_))), "{outcome:?}");
}

#[tokio::test]
async fn named_versions_are_not_retried_past_even_when_the_race_is_lost_late() {
    let repository = holding_one(FakeRepository {
        rivals: Mutex::new(vec![Rival::Renames("b"), Rival::Renames("c")]),
        ..FakeRepository::default()
    });
    let named = Precondition::OneOf(vec![version(1), version(2)]);
    let outcome = service_at(LATER, &repository)
        .replace(id(), fields("new"), &named, None)
        .await;
    assert!(
        matches!(&outcome, Err(Error::Conflict(Conflict::VersionMismatch { current })) if *current == version(3)),
        "{outcome:?}"
    );
    assert_eq!(*repository.attempts.lock().unwrap(), 2);
    assert!(repository.payloads().is_empty());
}

#[tokio::test]
async fn a_named_version_that_is_not_the_tasks_refuses_even_a_write_that_changes_nothing() {
    let repository = holding_one(FakeRepository::default());
    let outcome = service_at(LATER, &repository)
        .replace(id(), fields("old"), &Precondition::OneOf(vec![version(7)]), None)
        .await;
    assert!(
        matches!(outcome, Err(Error::Conflict(Conflict::VersionMismatch { .. }))),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_task_that_never_stands_still_is_contended_after_a_bounded_number_of_attempts() {
    let rivalry = || {
        holding_one(FakeRepository {
            endless_rivalry: true,
            ..FakeRepository::default()
        })
    };
    let repository = rivalry();
    let outcome = service_at(LATER, &repository)
        .replace(id(), fields("new"), &Precondition::Any, None)
        .await;
    assert!(
        matches!(outcome, Err(Error::Conflict(Conflict::Contended))),
        "{outcome:?}"
    );
    assert_eq!(*repository.attempts.lock().unwrap(), MAX_ATTEMPTS);
    assert!(repository.payloads().is_empty());

    let repository = rivalry();
    let outcome = service_at(LATER, &repository)
        .delete(id(), &Precondition::Any, None)
        .await;
    assert!(
        matches!(outcome, Err(Error::Conflict(Conflict::Contended))),
        "{outcome:?}"
    );
    assert!(repository.payloads().is_empty());
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_never_sent_again() {
    let repository = holding_one(FakeRepository {
        answer_lost: true,
        ..FakeRepository::default()
    });
    let service = service_at(LATER, &repository);
    let any = Precondition::Any;
    let created = service.create(fields("new"), None).await;
    assert!(matches!(created, Err(Error::OutcomeUnknown { .. })));
    let replaced = service.replace(id(), fields("new"), &any, None).await;
    assert!(matches!(replaced, Err(Error::OutcomeUnknown { .. })));
    let deleted = service.delete(id(), &any, None).await;
    assert!(matches!(deleted, Err(Error::OutcomeUnknown { .. })));
    assert_eq!(*repository.attempts.lock().unwrap(), 3);
}

#[tokio::test]
async fn a_deletion_answers_the_last_state_and_the_version_of_its_tombstone() {
    let repository = holding_one(FakeRepository::default());
    let service = service_at(LATER, &repository);
    let written = service.delete(id(), &Precondition::Any, None).await.unwrap();
    assert_eq!(written.task, Task::create(id(), fields("old"), at(NOON)));
    assert_eq!(written.token.to_string(), format!("{TASK}@2"));
    assert_eq!(repository.payloads(), [deleted_payload(2, LATER)]);
    assert!(matches!(service.get(id()).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn a_deletion_that_loses_two_races_leaves_one_tombstone_above_them() {
    let repository = holding_one(FakeRepository {
        rivals: Mutex::new(vec![Rival::Renames("b"), Rival::Renames("c")]),
        ..FakeRepository::default()
    });
    let written = service_at(LATER, &repository)
        .delete(id(), &Precondition::Any, None)
        .await
        .unwrap();
    assert_eq!(written.task.fields.description.as_str(), "c");
    assert_eq!(repository.payloads(), [deleted_payload(4, LATER)]);
}

#[tokio::test]
async fn a_clock_set_back_does_not_delete_a_task_before_it_was_changed() {
    let repository = holding_one(FakeRepository::default());
    let service = service_at("2026-05-01T11:00:00.000Z", &repository);
    service.delete(id(), &Precondition::Any, None).await.unwrap();
    assert_eq!(repository.payloads(), [deleted_payload(2, NOON)]);
}

#[tokio::test]
async fn another_task_is_left_alone() {
    let repository = holding_one(FakeRepository::default());
    let other = Task::create(OTHER.parse().unwrap(), fields("other"), at(NOON));
    repository.tasks.lock().unwrap().insert(other.id, other.clone());
    let service = service_at(LATER, &repository);
    service.delete(id(), &Precondition::Any, None).await.unwrap();
    assert_eq!(service.get(other.id).await.unwrap(), other);
}
