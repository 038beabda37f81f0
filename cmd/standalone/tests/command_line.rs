//! What `taskwire` says of itself, and what it says to settings that are wrong.
//!
//! That this package has a test of its program is also what makes `cargo test --workspace` build the program, which the
//! end-to-end tests start.

#![allow(clippy::unwrap_used, reason = "everything here runs inside a test")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

fn taskwire(arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_taskwire"))
        .args(arguments)
        .env_clear()
        .envs(settings.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn it_names_its_version_and_every_setting_with_its_default() {
    let version = taskwire(&["--version"], &[]);
    assert_eq!(
        (version.status.code(), String::from_utf8(version.stdout).unwrap()),
        (Some(0), format!("taskwire {}\n", env!("CARGO_PKG_VERSION")))
    );
    let help = taskwire(&["--help"], &[]);
    assert_eq!(help.status.code(), Some(0));
    let text = String::from_utf8(help.stdout).unwrap();
    for said in [
        "--data-dir",
        "[default: ./taskwire-data]",
        "--listen",
        "[default: 127.0.0.1:9234]",
        "--demo",
        "[env: LISTEN_ADDR=]",
        "[env: RUST_LOG=]",
        "[env: LOG_FORMAT=]",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn a_wrong_setting_ends_with_2_and_is_named() {
    for (arguments, settings, named) in [
        (&["--listen", "localhost"][..], &[][..], "--listen"),
        (&[], &[("LISTEN_ADDR", "9234")], "--listen"),
        (&["--log-format=xml"], &[], "--log-format"),
        (&[], &[("RUST_LOG", "info,taskwire=nonsense")], "--log-filter"),
        (&["--sqlite-readers=0"], &[], "--sqlite-readers"),
        (&["--data-dir"], &[], "--data-dir"),
        (&["--colour"], &[], "--colour"),
        (&["start"], &[], "start"),
    ] {
        let ended = taskwire(arguments, settings);
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(2), "{arguments:?} {settings:?}: {said}");
        assert!(said.contains(named), "{arguments:?} {settings:?}: {said}");
    }
}

#[test]
fn its_log_is_json_and_its_welcome_plain_where_no_terminal_shows_them() {
    let folder = tempfile::tempdir().unwrap();
    let process = Command::new(env!("CARGO_BIN_EXE_taskwire"))
        .args(["--listen", "127.0.0.1:0", "--data-dir"])
        .arg(folder.path())
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut process = KilledInTheEnd(process);
    let log = BufReader::new(process.0.stderr.take().unwrap()).lines();
    let mut log = log.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let listening = log.find(|line| line["message"] == "listening").unwrap();
    let address = listening["server.address"].as_str().unwrap();
    let mut welcome = BufReader::new(process.0.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("Ctrl-C") {
        assert!(welcome.read_line(&mut text).unwrap() > 0, "{text}");
    }
    assert!(
        text.contains(&format!("http://{address}/docs/")) && !text.contains('\u{1b}'),
        "{text}"
    );
}

/// Also when the test fails.
struct KilledInTheEnd(Child);

impl Drop for KilledInTheEnd {
    fn drop(&mut self) {
        let killed = self.0.kill().and_then(|()| self.0.wait());
        assert!(killed.is_ok(), "{killed:?}");
    }
}
