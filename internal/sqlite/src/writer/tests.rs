use taskwire_domain::{
    Categories, Conflict, Dates, Description, ExternalId, IdSource as _, Priority, SystemIds, Task,
    TaskEvent, TaskFields, Timestamp, Version, Written,
};
use tokio::sync::oneshot;

use super::*;
use crate::changes::{Create, Delete, Update};
use crate::columns::{EventColumns, TaskColumns};
use crate::command::{Awaited, Command, Done, Outcome};
use crate::upkeep::Probe;

/// A writer without its thread: a batch is what a test says it is.
struct Fixture {
    writer: Writer,
    queued: Vec<Box<dyn Job>>,
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
            queued: Vec::new(),
            _folder: folder,
        }
    }

    fn queue<C: Command>(&mut self, command: C) -> Told<C::Answer> {
        let (job, outcome) = Awaited::job(command);
        self.queued.push(job);
        Told(outcome)
    }

    /// Carries out what is queued, in one batch.
    fn carry_out(&mut self) {
        let batch = std::mem::take(&mut self.queued);
        self.writer.carry_out(batch);
    }

    fn do_one<C: Command>(&mut self, command: C) -> Outcome<C::Answer> {
        let told = self.queue(command);
        self.carry_out();
        told.outcome()
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

/// What a caller will have been told.
struct Told<T>(oneshot::Receiver<Outcome<T>>);

impl<T> Told<T> {
    fn outcome(mut self) -> Outcome<T> {
        self.0.try_recv().unwrap()
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

fn create(task: &Task) -> Create {
    let event = TaskEvent::Created(task).encode(None).unwrap();
    Create {
        task: TaskColumns::new(task.clone()).unwrap(),
        event: EventColumns::new(&event).unwrap(),
    }
}

/// An update to version 2, if the task is at `expected`.
fn update(task: &Task, expected: i64) -> Update {
    let fields = self::task("changed", None).fields;
    let next = task.with_fields(fields, now()).unwrap();
    let event = TaskEvent::Updated(&next).encode(None).unwrap();
    Update {
        task: TaskColumns::new(next).unwrap(),
        expected: Version::new(expected).unwrap(),
        event: EventColumns::new(&event).unwrap(),
    }
}

fn delete(task: &Task) -> Delete {
    let deleted = taskwire_domain::DeletedTask {
        id: task.id,
        version: task.version.next(),
        deleted_at: now(),
    };
    let event = TaskEvent::Deleted(&deleted).encode(None).unwrap();
    Delete {
        deleted,
        expected: task.version,
        event: EventColumns::new(&event).unwrap(),
    }
}

/// Lets no event of version 2 into the outbox.
const NO_SECOND_VERSION: &str = "create trigger closed before insert on outbox when new.version = 2
    begin select raise(abort, 'closed'); end";

#[test]
fn a_command_that_fails_is_undone_and_leaves_the_others_of_its_batch_alone() {
    let mut fixture = Fixture::new();
    let (a, b) = (task("a", Some("key")), task("b", None));
    assert!(fixture.do_one(create(&a)).is_ok());
    fixture.sql().execute_batch(NO_SECOND_VERSION).unwrap();

    let twin = task("twin", Some("key"));
    let created = [&b, &twin].map(|task| fixture.queue(create(task)));
    let changed = [fixture.queue(update(&a, 7)), fixture.queue(update(&a, 1))];
    let deleted = fixture.queue(delete(&b));
    let probed = fixture.queue(Probe);
    fixture.carry_out();
    let created = created.map(Told::outcome);
    assert!(
        matches!(created, [Ok(()), Err(Error::Conflict(Conflict::ExternalIdTaken))]),
        "{created:?}"
    );
    // Both of the last wrote to other tables before their event was refused.
    let changed = changed.map(Told::outcome);
    assert!(
        matches!(changed, [Ok(Written::Stale), Err(Error::Internal { .. })]),
        "{changed:?}"
    );
    let deleted = deleted.outcome();
    assert!(matches!(deleted, Err(Error::Internal { .. })), "{deleted:?}");
    assert!(probed.outcome().is_ok());
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
    fixture.do_one(create(&task)).unwrap();
    let outcome = fixture.do_one(delete(&task));
    assert!(matches!(outcome, Err(Error::Internal { .. })), "{outcome:?}");
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
    let (first, changed, last) = (
        fixture.queue(create(&a)),
        fixture.queue(update(&a, 1)),
        fixture.queue(create(&b)),
    );
    fixture.carry_out();
    for outcome in [first.outcome(), changed.outcome().map(drop), last.outcome()] {
        assert!(matches!(outcome, Err(Error::Internal { .. })), "{outcome:?}");
    }
    assert_eq!(["tasks", "outbox"].map(|table| fixture.count(table)), [0, 0]);
    assert_eq!(fixture.committed(), 0);
    let again = [&a, &b].map(|task| fixture.queue(create(task)));
    fixture.carry_out();
    assert!(again.map(Told::outcome).iter().all(Result::is_ok));
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
    assert!(fixture.do_one(create(&small)).is_ok());

    let large = task(&"x".repeat(4_096), None);
    let more: Vec<Task> = (0..10).map(|_| task(&"x".repeat(4_096), None)).collect();
    let created: Vec<_> = more.iter().map(|task| fixture.queue(create(task))).collect();
    let changed = fixture.queue(update(&small, 1));
    fixture.carry_out();
    let outcomes = created.into_iter().map(Told::outcome);
    for outcome in outcomes.chain([changed.outcome().map(drop)]) {
        assert!(matches!(outcome, Err(Error::Unavailable { .. })), "{outcome:?}");
    }
    assert_eq!(["tasks", "outbox"].map(|table| fixture.count(table)), [1, 1]);
    assert!(fixture.writer.in_trouble);

    set(&fixture, 1_000_000);
    assert!(fixture.do_one(Probe).is_ok());
    assert!(!fixture.writer.in_trouble);
    assert!(fixture.do_one(create(&large)).is_ok());
}

#[test]
fn what_nobody_waits_for_any_more_is_not_begun() {
    let mut fixture = Fixture::new();
    drop(fixture.queue(create(&task("given up", None))));
    let created = fixture.queue(create(&task("awaited", None)));
    fixture.carry_out();
    assert_eq!(created.outcome().map_err(|error| error.to_string()), Ok(()));
    assert_eq!(fixture.count("tasks"), 1);
}

/// Writes this many rows.
struct Large(u64);

impl Command for Large {
    type Answer = ();

    fn perform(&self, stage: &Stage<'_>) -> Result<Done<()>, Failure> {
        let rows = "with recursive n (i) as (select 1 union all select i + 1 from n where i < ?1)
            insert into meta (name, value) select hex(randomblob(16)), x'' from n";
        stage.connection.execute(rows, [self.0 as i64])?;
        Ok(Done::silently(()))
    }
}

#[test]
fn after_a_large_command_the_transaction_ends_and_the_next_goes_on() {
    let mut fixture = Fixture::new();
    let told: Vec<_> = [1, ROWS, 1, 1].map(|rows| fixture.queue(Large(rows))).into();
    let before = fixture.count("meta");
    let mut jobs = std::mem::take(&mut fixture.queued);
    assert_eq!(fixture.writer.commit(&mut jobs).ok(), Some(2));
    assert_eq!(fixture.writer.commit(&mut jobs[2..]).ok(), Some(2));
    assert_eq!(fixture.count("meta") - before, ROWS as i64 + 3);
    drop(told);
    let told: Vec<_> = (0..3).map(|_| fixture.queue(Large(ROWS))).collect();
    fixture.carry_out();
    for told in told {
        assert!(told.outcome().is_ok());
    }
}

#[test]
fn events_that_are_done_with_go_with_the_next_batch() {
    let mut fixture = Fixture::new();
    for task in (0..3).map(|_| task("a", None)) {
        fixture.do_one(create(&task)).unwrap();
    }
    fixture.writer.progress.done_below.store(3, Ordering::Relaxed);
    assert_eq!(fixture.count("outbox"), 3);
    fixture.do_one(Probe).unwrap();
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
