//! Disks that are read-only or full, when the service starts and while it runs.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "everything here runs inside a test"
)]

use std::collections::BTreeMap;

use serde_json::json;
use taskwire_e2e::disk_trouble::{assert_reads_only, assert_recovers, write_until_refused};
use taskwire_e2e::{Standalone, TinyDisk};

/// Room for an index and some hundred long tasks.
const MEBIBYTES: u32 = 16;

#[tokio::test]
async fn a_disk_that_fills_up_refuses_writes_and_loses_nothing() {
    let disk = TinyDisk::mount(MEBIBYTES);
    let mut service = Standalone::start_in(disk.place()).await;
    let before = service.api.create(&json!({"description": "from before"})).await;
    service.ready().await;
    disk.fill();
    let mut acknowledged = write_until_refused(&service).await;
    acknowledged.insert(before["id"].as_str().unwrap().to_owned(), before);
    assert_reads_only(&service, &acknowledged).await;
    disk.clear();
    assert_recovers(&service, &mut acknowledged).await;

    // The same with an end without warning.
    disk.fill();
    acknowledged.append(&mut write_until_refused(&service).await);
    service.process.kill().await;
    disk.clear();
    service.restart().await;
    assert_recovers(&service, &mut acknowledged).await;
}

#[tokio::test]
async fn a_read_only_disk_is_refused_and_serves_once_it_can_be_written() {
    let mut disk = TinyDisk::mount(MEBIBYTES);
    let place = disk.place();
    for fresh in [true, false] {
        disk.set_read_only(true);
        let sentence = place.refusal().await;
        assert!(sentence.contains("cannot be written"), "{fresh}: {sentence}");
        assert!(
            sentence.contains(place.folder.to_str().unwrap()),
            "{fresh}: {sentence}"
        );
        disk.set_read_only(false);
        let mut service = Standalone::start_in(place.clone()).await;
        if fresh {
            service.api.create(&json!({"description": "kept"})).await;
            service.stop().await;
        } else {
            service.ready().await;
            let kept = service.searchable().await.unwrap();
            service.await_searchable(&kept).await;
            assert_eq!(kept.len(), 1);
            service.stop().await;
        }
    }
}

#[tokio::test]
async fn a_full_disk_is_refused_at_the_start_and_serves_once_there_is_room() {
    let disk = TinyDisk::mount(MEBIBYTES);
    let place = disk.place();
    disk.fill();
    let sentence = place.refusal().await;
    assert!(sentence.contains("full"), "{sentence}");
    disk.clear();
    let mut service = Standalone::start_in(place.clone()).await;
    let task = service.api.create(&json!({"description": "kept"})).await;
    let kept = BTreeMap::from([(task["id"].as_str().unwrap().to_owned(), task)]);
    service.await_searchable(&kept).await;
    service.stop().await;
    disk.fill();
    let sentence = place.refusal().await;
    assert!(sentence.contains("full"), "{sentence}");
    disk.clear();
    service.restart().await;
    service.await_searchable(&kept).await;
}
