//! A disk that fills up while the service runs, without one: the system lets no file grow beyond a limit.
//! `standalone_disks` does the same with a real disk, for which not everybody has the rights.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "everything here runs inside a test"
)]

use std::process::Command;

use taskwire_e2e::disk_trouble::{assert_reads_only, assert_recovers, write_until_refused};
use taskwire_e2e::{Place, Standalone};

/// Files up to 1 MiB, in blocks of 512 bytes. The signal that says so would end the process: it is ignored, and writing fails.
const LIMITED: &str = r#"trap '' XFSZ; ulimit -S -f 2048; exec "$0""#;

#[tokio::test]
async fn writes_are_refused_while_nothing_can_grow_and_go_on_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place {
        folder: folder.path().to_owned(),
        through: Some(LIMITED.to_owned()),
    };
    let mut service = Standalone::start_in(place).await;
    service.ready().await;
    let mut acknowledged = write_until_refused(&service).await;
    assert_reads_only(&service, &acknowledged).await;

    let lifted = Command::new("prlimit")
        .args(["--fsize=unlimited", "--pid", &service.process.id().to_string()])
        .status();
    assert!(lifted.unwrap().success());
    assert_recovers(&service, &mut acknowledged).await;

    service.stop().await;
    service = Standalone::start_in(Place::folder(folder.path())).await;
    service.await_searchable(&acknowledged).await;
}
