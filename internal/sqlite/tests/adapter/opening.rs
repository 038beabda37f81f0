//! Who may open the file, what is refused, and that a refusal changes nothing.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use rusqlite::{Connection, params};
use taskwire_conformance::tasks::{created, fields, new_task};
use taskwire_domain::{Categories, ListFilter, ListQuery, Task, TaskFields, TaskRepository as _};
use taskwire_sqlite::{OpenError, SqliteDatabase, SqliteSettings, SqliteTasks};

use crate::support::{Fixture, Folder, spy};

/// A closed database with this many tasks in it.
async fn closed(count: usize) -> (Folder, Vec<Task>) {
    let fixture = Fixture::new();
    let tasks: Vec<Task> = (0..count)
        .map(|n| new_task(fields(&format!("task {n}"))))
        .collect();
    for task in &tasks {
        fixture.tasks.create(task, &created(task)).await.unwrap();
    }
    fixture.database.close().await;
    (fixture.folder, tasks)
}

/// Opens twice, so that the first refusal must have let the folder go, and checks that the file is as it was.
fn refusal(folder: &Folder) -> OpenError {
    let before = fs::read(folder.file()).unwrap();
    folder.try_open().unwrap_err();
    let refused = folder.try_open().unwrap_err();
    assert_eq!(fs::read(folder.file()).unwrap(), before, "the file was changed");
    refused
}

#[tokio::test]
async fn what_was_written_is_there_when_it_is_opened_again() {
    let (folder, tasks) = closed(3).await;
    let database = folder.open();
    let id = database.id();
    assert_eq!(database.last_event(), 3);
    for task in tasks {
        let found = SqliteTasks::new(database.clone()).find(task.id).await.unwrap();
        assert_eq!(found, Some(task));
    }
    let key = SqliteTasks::new(database.clone()).signing_key().await.unwrap();
    database.close().await;
    let again = folder.open();
    assert_eq!(again.id(), id);
    assert_eq!(SqliteTasks::new(again).signing_key().await.unwrap(), key);
}

/// As the first release left it, with these tasks.
fn first_release(file: &Path, tasks: &[Task]) {
    let first = Connection::open(file).unwrap();
    first
        .execute_batch(include_str!(
            "../../../../migrations/sqlite/0001_tasks_and_outbox.sql"
        ))
        .unwrap();
    first.pragma_update(None, "application_id", 0x546b_5772).unwrap();
    first.pragma_update(None, "user_version", 1).unwrap();
    for task in tasks {
        let insert = "
            insert into tasks (id, version, description, priority, is_done, parent_id, categories, created_at,
                               updated_at)
            values (?1, 1, ?2, 0, 0, ?3, ?4, ?5, ?5)";
        let bytes = |id: taskwire_domain::TaskId| id.as_uuid().into_bytes();
        let row = params![
            bytes(task.id),
            task.fields.description.as_str(),
            task.fields.parent_id.map(bytes),
            serde_json::to_string(&task.fields.categories).unwrap(),
            task.created_at.unix_millis(),
        ];
        first.execute(insert, row).unwrap();
    }
    first.close().unwrap();
}

#[tokio::test]
async fn a_file_of_the_first_release_is_brought_up_to_date_with_its_tasks() {
    let folder = Folder::new();
    fs::create_dir(folder.path()).unwrap();
    let plain = new_task(fields("plain"));
    let labelled = new_task(TaskFields {
        categories: Categories::parse(vec!["home".into(), "a \"b\"".into()]).unwrap(),
        parent_id: Some(plain.id),
        ..fields("labelled")
    });
    first_release(&folder.file(), &[plain.clone(), labelled.clone()]);

    let database = folder.open();
    let tasks = SqliteTasks::new(database.clone());
    let of = |category: Option<&str>| ListQuery {
        filter: ListFilter {
            category: category.map(str::to_owned),
            ..ListFilter::default()
        },
        limit: 10,
        ..ListQuery::default()
    };
    for category in ["home", "a \"b\""] {
        assert_eq!(
            tasks.list(&of(Some(category))).await.unwrap(),
            std::slice::from_ref(&labelled)
        );
    }
    assert_eq!(tasks.list(&of(None)).await.unwrap(), [plain, labelled.clone()]);
    // What was there can be changed like anything else.
    let changed = labelled
        .with_fields(fields("no more"), labelled.updated_at)
        .unwrap();
    let event = taskwire_domain::TaskEvent::Updated(&changed)
        .encode(None)
        .unwrap();
    tasks.update(&changed, labelled.version, &event).await.unwrap();
    assert_eq!(tasks.list(&of(Some("home"))).await.unwrap(), []);
    let key = tasks.signing_key().await.unwrap();
    database.close().await;
    assert_eq!(SqliteTasks::new(folder.open()).signing_key().await.unwrap(), key);
}

#[tokio::test]
async fn each_file_has_an_id_of_its_own() {
    assert_ne!(Fixture::new().database.id(), Fixture::new().database.id());
}

#[tokio::test]
async fn closing_writes_the_log_back_and_refuses_further_writes() {
    let fixture = Fixture::new();
    let task = new_task(fields("late"));
    fixture.database.close().await;
    fixture.tasks.create(&task, &created(&task)).await.unwrap_err();
    let left: Vec<_> = fs::read_dir(fixture.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        left.iter().all(|name| name == "lock" || name == "taskwire.db"),
        "{left:?}"
    );
    // Nothing happens the second time.
    fixture.database.close().await;
}

#[tokio::test]
async fn a_second_one_on_the_same_folder_is_refused_until_the_first_has_closed() {
    let fixture = Fixture::new();
    let refused = fixture.folder.try_open().unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }), "{refused:?}");
    let sentence = refused.to_string();
    assert!(
        sentence.contains("another process uses the data folder /"),
        "{sentence}"
    );
    fixture.database.close().await;
    fixture.folder.open();
}

#[tokio::test]
async fn a_file_of_a_newer_release_is_refused() {
    let (folder, _) = closed(1).await;
    let later = spy(&folder.file());
    later.pragma_update(None, "user_version", 3).unwrap();
    later.close().unwrap();
    let refused = refusal(&folder);
    assert!(matches!(refused, OpenError::Newer { .. }), "{refused:?}");
}

#[test]
fn a_file_that_is_no_database_or_somebody_elses_is_refused() {
    let folder = Folder::new();
    fs::create_dir(folder.path()).unwrap();
    fs::write(folder.file(), "shopping list\n".repeat(1_000)).unwrap();
    let refused = refusal(&folder);
    assert!(matches!(refused, OpenError::Foreign { .. }), "{refused:?}");

    fs::remove_file(folder.file()).unwrap();
    let other = spy(&folder.file());
    other
        .execute_batch("create table tasks (id integer primary key)")
        .unwrap();
    other.close().unwrap();
    let refused = refusal(&folder);
    assert!(matches!(refused, OpenError::Foreign { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_file_that_is_cut_off_or_written_over_is_refused() {
    let (folder, _) = closed(200).await;
    let whole = fs::read(folder.file()).unwrap();
    fs::write(folder.file(), &whole[..whole.len() / 2]).unwrap();
    let refused = refusal(&folder);
    assert!(matches!(refused, OpenError::Damaged { .. }), "{refused:?}");

    fs::write(folder.file(), &whole).unwrap();
    let file = fs::OpenOptions::new().write(true).open(folder.file()).unwrap();
    file.write_all_at(&[0xa5; 8_192], whole.len() as u64 / 2).unwrap();
    let refused = refusal(&folder);
    assert!(matches!(refused, OpenError::Damaged { .. }), "{refused:?}");
    let sentence = refused.to_string();
    assert!(
        sentence.ends_with("taskwire.db is damaged: put a backup of it back, or move it away and begin anew"),
        "{sentence}"
    );
}

#[tokio::test]
async fn a_large_file_is_opened_without_reading_all_of_it_and_refused_when_its_beginnings_are_damaged() {
    let (folder, _) = closed(1).await;
    let large = spy(&folder.file());
    let fill = "
        with recursive number (n) as (select 1 union all select n + 1 from number where n < 70)
        insert into outbox (task_id, version, payload, headers)
        select randomblob(16), 1, zeroblob(1048576), '[]' from number";
    large.execute(fill, []).unwrap();
    large.close().unwrap();
    folder.open().close().await;

    let file = fs::OpenOptions::new().write(true).open(folder.file()).unwrap();
    file.write_all_at(&[0xa5; 4_096 * 20], 4_096).unwrap();
    let refused = folder.try_open().unwrap_err();
    assert!(matches!(refused, OpenError::Damaged { .. }), "{refused:?}");
}

#[test]
fn a_folder_that_cannot_be_is_refused() {
    let refused = SqliteDatabase::open(Path::new("/dev/null/data"), &SqliteSettings::default()).unwrap_err();
    assert!(matches!(refused, OpenError::Unusable { .. }), "{refused:?}");
}
