//! The one-process service: what was acknowledged survives a kill, and the index heals itself.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "everything here runs inside a test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use taskwire_e2e::{Standalone, real_texts, until};

/// What is done to a folder.
type Damage = fn(&Path);

/// What the API says of every task with these ids.
async fn rows(service: &Standalone, ids: impl IntoIterator<Item = String>) -> BTreeMap<String, Value> {
    let mut rows = BTreeMap::new();
    for id in ids {
        let answer = service
            .api
            .call(Method::GET, &format!("/tasks/{id}"), None)
            .await
            .unwrap();
        if answer.status == StatusCode::OK {
            rows.insert(id, answer.task().clone());
        }
    }
    rows
}

async fn create(service: &Standalone, text: &str) -> Value {
    service.api.create(&json!({"description": text})).await
}

fn id(task: &Value) -> String {
    task["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill_and_is_searchable() {
    let mut service = Standalone::start().await;
    let texts = real_texts(2_000);
    let (acknowledged, next) = (Mutex::new(BTreeMap::new()), Mutex::new(texts.iter()));
    let clients = (0..32).map(async |_| {
        loop {
            let text = next.lock().unwrap().next();
            let Some(text) = text else { return };
            let fields = json!({"description": text});
            let Ok(answer) = service.api.call(Method::POST, "/tasks", Some(&fields)).await else {
                return;
            };
            assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
            acknowledged
                .lock()
                .unwrap()
                .insert(id(answer.task()), answer.task().clone());
        }
    });
    let killer = async {
        while acknowledged.lock().unwrap().len() < 500 {
            tokio::task::yield_now().await;
        }
        service.process.signal("KILL");
    };
    tokio::join!(join_all(clients), killer);
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(
        (500..2_000).contains(&acknowledged.len()),
        "killed in the middle: {}",
        acknowledged.len()
    );

    service.process.ended().await;
    service.restart().await;
    assert_eq!(
        rows(&service, acknowledged.keys().cloned()).await,
        acknowledged,
        "every acknowledged write is there"
    );
    // Writes that were applied and not answered are tasks, too.
    let found = until("everything is searchable", Duration::from_secs(30), || async {
        let found = service.searchable().await?;
        acknowledged
            .iter()
            .all(|(id, task)| found.get(id) == Some(task))
            .then_some(found)
    });
    let found = found.await.0;
    assert_eq!(
        rows(&service, found.keys().cloned()).await,
        found,
        "and nothing else is"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_or_damaged_index_is_rebuilt_while_writes_go_on() {
    let mut service = Standalone::start().await;
    let mut wanted = BTreeMap::new();
    for text in real_texts(300) {
        let task = create(&service, &text).await;
        wanted.insert(id(&task), task);
    }
    let (gone, _) = wanted.pop_first().unwrap();
    let deleted = service
        .api
        .call(Method::DELETE, &format!("/tasks/{gone}"), None)
        .await
        .unwrap();
    assert_eq!(deleted.status, StatusCode::OK);
    service.await_searchable(&wanted).await;

    let damages: [(&str, Damage); 3] = [
        ("deleted", |folder| fs::remove_dir_all(folder).unwrap()),
        ("truncated", |folder| {
            each_file(folder, |bytes| bytes.truncate(bytes.len() / 2))
        }),
        ("overwritten", |folder| {
            let mut rng = fastrand::Rng::with_seed(3);
            each_file(folder, |bytes| {
                bytes.iter_mut().for_each(|byte| *byte = rng.u8(..))
            });
        }),
    ];
    for (damage, inflict) in damages {
        service.process.terminate();
        assert_eq!(service.process.ended().await.code(), Some(0), "{damage}");
        inflict(&service.index_folder());
        service.restart().await;
        let meanwhile = create(&service, &format!("written while the {damage} index is rebuilt")).await;
        wanted.insert(id(&meanwhile), meanwhile);
        service.await_searchable(&wanted).await;
    }
}

#[tokio::test]
async fn a_database_put_back_to_an_older_copy_wins_over_the_index() {
    let mut service = Standalone::start().await;
    let kept = create(&service, "from before the copy").await;
    service.process.terminate();
    service.process.ended().await;
    let copy = fs::read(service.database_file()).unwrap();

    service.restart().await;
    create(&service, "from after the copy").await;
    let changed = json!({"description": "changed after the copy"});
    let path = format!("/tasks/{}", id(&kept));
    assert_eq!(
        service
            .api
            .call(Method::PUT, &path, Some(&changed))
            .await
            .unwrap()
            .status,
        StatusCode::OK
    );
    until("both are searchable", Duration::from_secs(10), || async {
        (service.searchable().await?.len() == 2).then_some(())
    })
    .await;
    service.process.terminate();
    service.process.ended().await;
    fs::write(service.database_file(), copy).unwrap();

    service.restart().await;
    service
        .await_searchable(&BTreeMap::from([(id(&kept), kept)]))
        .await;
}

fn each_file(folder: &Path, change: impl FnMut(&mut Vec<u8>)) {
    fn walk(folder: &Path, change: &mut impl FnMut(&mut Vec<u8>)) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, change);
            } else {
                let mut bytes = fs::read(&path).unwrap();
                change(&mut bytes);
                fs::write(&path, bytes).unwrap();
            }
        }
    }
    let mut change = change;
    walk(folder, &mut change);
}
