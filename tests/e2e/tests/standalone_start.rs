//! Starting where it cannot run: one sentence that says what to do, a failing exit code, and nothing damaged.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "everything here runs inside a test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;

use serde_json::{Value, json};
use taskwire_e2e::{Place, Standalone};

/// Where SQLite keeps the `user_version`: <https://www.sqlite.org/fileformat.html#the_database_header>.
const USER_VERSION: std::ops::Range<usize> = 60..64;

/// A service that was used and ended in order, with its tasks by id.
async fn used() -> (Standalone, BTreeMap<String, Value>) {
    let mut service = Standalone::start().await;
    let mut tasks = BTreeMap::new();
    for number in 0..20 {
        let fields = json!({"description": format!("task number {number}")});
        let task = service.api.create(&fields).await;
        tasks.insert(task["id"].as_str().unwrap().to_owned(), task);
    }
    service.await_searchable(&tasks).await;
    service.stop().await;
    (service, tasks)
}

/// Every file below a folder, with what is in it.
fn contents(folder: &Path) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

/// Refused twice, the same way, without a byte changed.
async fn refused_untouched(folder: &Path) -> String {
    let before = contents(folder);
    let place = Place::folder(folder);
    let sentence = place.refusal().await;
    assert_eq!(place.refusal().await, sentence);
    let after = contents(folder);
    assert!(
        before.keys().eq(after.keys()),
        "{:?}, {:?}",
        before.keys(),
        after.keys()
    );
    for (path, bytes) in before {
        assert!(bytes == after[&path], "{} is as it was", path.display());
    }
    sentence
}

#[tokio::test]
async fn a_taken_port_is_named_and_no_folder_is_made() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let place = Place::folder(&data);
    let sentence = place.refusal_with(&[("LISTEN_ADDR", &address)]).await;
    assert_eq!(
        sentence,
        format!("another process listens on {address}: stop it, or choose another address with --listen")
    );
    assert!(!data.exists());
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    for data in [file.clone(), file.join("data")] {
        let sentence = Place::folder(&data).refusal().await;
        assert!(sentence.contains(data.to_str().unwrap()), "{sentence}");
    }
    assert_eq!(fs::read(&file).unwrap(), b"not a folder");
}

#[tokio::test]
async fn a_second_process_on_the_same_folder_is_refused_and_the_first_not_disturbed() {
    let service = Standalone::start().await;
    let sentence = service.place().refusal().await;
    assert!(sentence.contains("another process uses"), "{sentence}");
    assert!(
        sentence.contains(service.place().folder.to_str().unwrap()),
        "{sentence}"
    );
    let task = service.api.create(&json!({"description": "undisturbed"})).await;
    let id = task["id"].as_str().unwrap().to_owned();
    service.await_searchable(&BTreeMap::from([(id, task)])).await;
}

#[tokio::test]
async fn a_database_of_a_newer_release_is_refused_untouched() {
    let (mut service, tasks) = used().await;
    let file = service.database_file();
    let ours = fs::read(&file).unwrap();
    let mut newer = ours.clone();
    newer[USER_VERSION].copy_from_slice(&9_999_u32.to_be_bytes());
    fs::write(&file, newer).unwrap();
    let sentence = refused_untouched(&service.place().folder).await;
    assert!(sentence.contains("newer release"), "{sentence}");
    assert!(sentence.contains(file.to_str().unwrap()), "{sentence}");

    fs::write(&file, ours).unwrap();
    service.restart().await;
    service.await_searchable(&tasks).await;
}

#[tokio::test]
async fn an_index_of_a_newer_release_is_refused_untouched() {
    let (mut service, tasks) = used().await;
    let file = service.index_folder().join("live/meta.json");
    let ours = fs::read_to_string(&file).unwrap();
    let mut newer: Value = serde_json::from_str(&ours).unwrap();
    assert_eq!(newer["payload"], "taskwire 3");
    newer["payload"] = json!("taskwire 9999");
    fs::write(&file, newer.to_string()).unwrap();
    let sentence = refused_untouched(&service.place().folder).await;
    assert!(sentence.contains("newer"), "{sentence}");
    assert!(
        sentence.contains(service.index_folder().to_str().unwrap()),
        "{sentence}"
    );

    fs::write(&file, ours).unwrap();
    service.restart().await;
    service.await_searchable(&tasks).await;
}

#[tokio::test]
async fn a_file_of_somebody_else_is_refused_untouched() {
    for foreign in [b"my shopping list".to_vec(), vec![0x5a; 100_000]] {
        let folder = tempfile::tempdir().unwrap();
        // Made before, as any start would.
        fs::write(folder.path().join("lock"), "").unwrap();
        fs::write(folder.path().join("taskwire.db"), foreign).unwrap();
        let sentence = refused_untouched(folder.path()).await;
        assert!(sentence.contains("not a database of this program"), "{sentence}");
    }
}
