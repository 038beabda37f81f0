use rusqlite::Connection;
use taskwire_domain::{
    Categories, Conflict, Dates, Description, ExternalId, IdSource as _, Priority, SystemIds, Task,
    TaskEvent, TaskFields, Timestamp, Version,
};

use super::*;
use crate::columns::{EventColumns, TaskColumns};

/// A writer without its thread: a batch is what a test says it is.
struct Fixture {
    writer: Writer,
    _folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let owned = OwnedFolder::take(folder.path()).unwrap();
        let connection = owned.open_writer().unwrap();
        let (_, requests) = mpsc::channel(1);
        let progress = Arc::new(Progress {
            committed: watch::Sender::new(0),
            done_below: AtomicI64::new(0),
        });
        Self {
            writer: Writer::new(connection, requests, progress, owned),
            _folder: folder,
        }
    }

    /// The answers to a batch.
    fn batch(&mut self, commands: Vec<Command>) -> Vec<Outcome> {
        let (answers, outcomes): (Vec<_>, Vec<_>) = commands.iter().map(|_| oneshot::channel()).unzip();
        let commands = commands
            .into_iter()
            .map(Box::new)
            .zip(answers.into_iter().map(Some));
        self.writer.carry_out(commands.collect());
        outcomes
            .into_iter()
            .map(|mut outcome| outcome.try_recv().unwrap())
            .collect()
    }

    fn sql(&self) -> &Connection {
        &self.writer.connection
    }

    fn count(&self, table: &str) -> i64 {
        let count = format!("select count(*) from {table}");
        self.sql().query_row(&count, [], |row| row.get(0)).unwrap()
    }

    fn committed(&self) -> i64 {
        *self.writer.progress.committed.borrow()
    }
}

fn now() -> Timestamp {
    "2026-05-01T09:00:00Z".parse().unwrap()
}

fn task(description: &str, external_id: Option<&str>) -> Task {
    let fields = TaskFields {
        external_id: external_id.map(|text| ExternalId::parse(text.into()).unwrap()),
        description: Description::parse(description.into()).unwrap(),
        priority: Priority::None,
        dates: Dates::default(),
        is_done: false,
        parent_id: None,
        categories: Categories::default(),
    };
    Task::create(SystemIds.next_id(), fields, now())
}

fn create(task: &Task) -> Command {
    let event = TaskEvent::Created(task).encode(None).unwrap();
    Command::Create(
        TaskColumns::new(task).unwrap(),
        EventColumns::new(&event).unwrap(),
    )
}

/// An update to version 2, if the task is at `expected`.
fn update(task: &Task, expected: i64) -> Command {
    let fields = self::task("changed", None).fields;
    let next = task.with_fields(fields, now()).unwrap();
    let event = TaskEvent::Updated(&next).encode(None).unwrap();
    let expected = Version::new(expected).unwrap();
    Command::Update(
        TaskColumns::new(&next).unwrap(),
        expected,
        EventColumns::new(&event).unwrap(),
    )
}

fn delete(task: &Task) -> Command {
    let deleted = taskwire_domain::DeletedTask {
        id: task.id,
        version: task.version.next(),
        deleted_at: now(),
    };
    let event = TaskEvent::Deleted(&deleted).encode(None).unwrap();
    Command::Delete(deleted, task.version, EventColumns::new(&event).unwrap())
}

/// Lets no event of version 2 into the outbox.
const NO_SECOND_VERSION: &str = "create trigger closed before insert on outbox when new.version = 2
    begin select raise(abort, 'closed'); end";

#[test]
fn a_command_that_fails_is_undone_and_leaves_the_others_of_its_batch_alone() {
    let mut fixture = Fixture::new();
    let (a, b) = (task("a", Some("key")), task("b", None));
    assert!(fixture.batch(vec![create(&a)])[0].is_ok());
    fixture.sql().execute_batch(NO_SECOND_VERSION).unwrap();

    let twin = task("twin", Some("key"));
    let outcomes = fixture.batch(vec![
        create(&b),
        create(&twin),
        update(&a, 7),
        update(&a, 1),
        delete(&b),
        Command::Probe,
    ]);
    assert!(
        matches!(
            &outcomes[..],
            [
                Ok(Written::Applied),
                Err(Error::Conflict(Conflict::ExternalIdTaken)),
                Ok(Written::Stale),
                // Both wrote to other tables before their event was refused.
                Err(Error::Internal { .. }),
                Err(Error::Internal { .. }),
                Ok(Written::Applied),
            ]
        ),
        "{outcomes:?}"
    );
    let versions = fixture
        .sql()
        .query_row("select min(version), max(version) from tasks", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        });
    assert_eq!(versions, Ok((1, 1)));
    assert_eq!(
        ["tasks", "outbox", "deleted_tasks"].map(|table| fixture.count(table)),
        [2, 2, 0]
    );
    assert_eq!(fixture.committed(), 2);
}

#[test]
fn a_deletion_that_cannot_be_remembered_does_not_happen() {
    let mut fixture = Fixture::new();
    let task = task("a", None);
    let closed =
        "create trigger closed before insert on deleted_tasks begin select raise(abort, 'closed'); end";
    fixture.sql().execute_batch(closed).unwrap();
    let outcomes = fixture.batch(vec![create(&task), delete(&task)]);
    assert!(matches!(outcomes[1], Err(Error::Internal { .. })), "{outcomes:?}");
    assert_eq!(["tasks", "outbox"].map(|table| fixture.count(table)), [1, 1]);
}

#[test]
fn when_the_transaction_is_lost_nothing_of_the_batch_is_applied_and_the_next_one_is() {
    let mut fixture = Fixture::new();
    // What SQLite does by itself when it cannot go on.
    let lost = "create trigger lost before insert on outbox when new.version = 2
        begin select raise(rollback, 'lost'); end";
    fixture.sql().execute_batch(lost).unwrap();
    let (a, b) = (task("a", None), task("b", None));
    let outcomes = fixture.batch(vec![create(&a), update(&a, 1), create(&b)]);
    for outcome in outcomes {
        assert!(matches!(outcome, Err(Error::Internal { .. })), "{outcome:?}");
    }
    assert_eq!(["tasks", "outbox"].map(|table| fixture.count(table)), [0, 0]);
    assert_eq!(fixture.committed(), 0);
    assert!(
        fixture
            .batch(vec![create(&a), create(&b)])
            .iter()
            .all(Result::is_ok)
    );
    assert_eq!(fixture.committed(), 2);
}

#[test]
fn on_a_full_disk_nothing_is_applied_and_the_probe_fails_until_there_is_room() {
    let mut fixture = Fixture::new();
    let pages: i64 = fixture
        .sql()
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    let limit = |most: i64| format!("pragma max_page_count = {most}");
    let set = |fixture: &Fixture, most| {
        fixture
            .sql()
            .query_row(&limit(most), [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    set(&fixture, pages + 2);
    let small = task("small", None);
    assert!(fixture.batch(vec![create(&small)])[0].is_ok());

    let large = task(&"x".repeat(4_096), None);
    let more: Vec<Task> = (0..10).map(|_| task(&"x".repeat(4_096), None)).collect();
    let commands = more.iter().map(create).chain([update(&small, 1), create(&large)]);
    for outcome in fixture.batch(commands.collect()) {
        assert!(matches!(outcome, Err(Error::Unavailable { .. })), "{outcome:?}");
    }
    assert_eq!(["tasks", "outbox"].map(|table| fixture.count(table)), [1, 1]);
    assert!(fixture.writer.in_trouble);

    set(&fixture, 1_000_000);
    assert!(fixture.batch(vec![Command::Probe])[0].is_ok());
    assert!(!fixture.writer.in_trouble);
    assert!(fixture.batch(vec![create(&large)])[0].is_ok());
}

#[test]
fn events_that_are_done_with_go_with_the_next_batch() {
    let mut fixture = Fixture::new();
    let tasks: Vec<Task> = (0..3).map(|_| task("a", None)).collect();
    fixture.batch(tasks.iter().map(create).collect());
    fixture.writer.progress.done_below.store(3, Ordering::Relaxed);
    assert_eq!(fixture.count("outbox"), 3);
    fixture.batch(vec![Command::Probe]);
    assert_eq!(fixture.count("outbox"), 1);
}

#[test]
fn looking_for_subtasks_takes_the_index() {
    let fixture = Fixture::new();
    let mut explain = fixture
        .sql()
        .prepare("explain query plan delete from tasks where id = x'00'")
        .unwrap();
    let plan = explain.query_map([], |row| row.get::<_, String>(3)).unwrap();
    let plan: Vec<String> = plan.map(Result::unwrap).collect();
    assert!(
        plan.iter().any(|step| step.contains("tasks_parent_id")),
        "{plan:?}"
    );
}
