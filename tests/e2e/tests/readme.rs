//! The README keeps its word: its shell blocks are run as they stand, in order, in one shell.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "everything here runs inside a test"
)]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use taskwire_testkit::{SearchIndex, Topics};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

/// The build among them may have to compile the workspace once more.
const LIMIT: Duration = Duration::from_secs(1_200);

/// How long the processes of a group may take to end once they are told.
const CLOSING: Duration = Duration::from_secs(60);

/// Stands before the output of each block.
const MARK: &str = "@@ block";

#[tokio::test]
async fn the_shell_blocks_of_the_readme_do_what_it_says() {
    let (topics, index) = (Topics::named(), SearchIndex::named());
    let blocks = shell_blocks(&std::fs::read_to_string(root().join("README.md")).unwrap());
    let script: String = blocks
        .iter()
        .map(|block| format!("echo; echo '{MARK}'\n{block}\n"))
        .collect();

    let mut shell = watched_shell(&script);
    // Private names, so that what an earlier run left behind is not found. The blocks themselves are untouched.
    shell
        .env("KAFKA_TOPIC", topics.tasks())
        .env("KAFKA_DLQ_TOPIC", topics.dead_letters());
    shell.env("ELASTICSEARCH_INDEX", index.name());
    let mut child = shell.spawn().expect("bash runs");
    let held = child.stdin.take();
    let done = tokio::time::timeout(LIMIT, child.wait_with_output())
        .await
        .expect("the blocks end in time")
        .unwrap();
    drop(held);
    let (output, errors) = (
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr),
    );
    assert!(done.status.success(), "{}\n{output}\n{errors}", done.status);

    let answers: Vec<Vec<Value>> = output.split(MARK).skip(1).map(json_values).collect();
    let found = |answer: &Value| {
        let tasks = answer["tasks"].as_array().expect("a search answers tasks").iter();
        tasks
            .map(|task| task["description"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let [_, ready, read, replace, delete, _] = &answers[..] else {
        panic!("six blocks: {output}")
    };
    assert!(ready.is_empty(), "grep is quiet: {ready:?}");
    assert_eq!(read[0]["task"]["description"], "buy oat milk");
    assert_eq!(replace[0]["task"]["version"], 2);
    assert_eq!(found(&replace[1]), ["water the ferns"], "the new text is found");
    assert_eq!(
        found(&replace[2]),
        Vec::<String>::new(),
        "and no longer the old one"
    );
    assert_eq!(delete[0]["task"]["description"], "water the ferns");
    assert_eq!(
        found(&delete[1]),
        Vec::<String>::new(),
        "what is deleted is not found"
    );
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the workspace's root exists")
}

fn shell_blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    for part in text.split("\n```sh\n").skip(1) {
        let (block, _) = part.split_once("\n```").expect("a block has an end");
        blocks.push(block.to_owned());
    }
    assert!(!blocks.is_empty(), "the README has shell blocks");
    blocks
}

/// Every JSON object in the text that begins a line or follows another.
fn json_values(text: &str) -> Vec<Value> {
    let objects = text.find('{').map(|start| &text[start..]).unwrap_or_default();
    let stream = serde_json::Deserializer::from_str(objects).into_iter::<Value>();
    stream.map_while(Result::ok).collect()
}

/// A shell for the script, in a process group of its own. All of the group is ended when the script is over, and
/// also when its standard input closes: that happens however the test ends, SIGKILL and Ctrl-C included.
///
/// The script has a shell to itself, so that its `%1` is the first thing it starts.
fn watched_shell(script: &str) -> Command {
    const WATCH: &str = r#"
        exec 3<&0
        { cat <&3; kill -s TERM 0; } >/dev/null 2>&1 &
        bash -e -o pipefail -c "$1" </dev/null 3<&-
        status=$?
        trap '' TERM
        kill -s TERM 0
        exit $status"#;
    let mut shell = Command::new("bash");
    shell
        .args(["-c", WATCH, "bash", script])
        .current_dir(root())
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    shell
}

/// The output closes only when the last process that could write to it is gone.
#[tokio::test]
async fn what_the_readme_starts_ends_with_the_script_and_with_the_test() {
    let running = "sleep 600 & echo started";
    let ended = watched_shell(running).spawn().unwrap();
    let closed = tokio::time::timeout(CLOSING, async {
        let (mut ended, mut output) = (ended, String::new());
        let _held = ended.stdin.take();
        ended
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut output)
            .await
            .unwrap();
        (output, ended.wait().await.unwrap().success())
    });
    assert_eq!(
        closed.await.expect("a script that is over leaves nothing"),
        ("started\n".to_owned(), true)
    );

    let mut child = watched_shell(&format!("{running}; wait")).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(output.next_line().await.unwrap().as_deref(), Some("started"));
    // As the kernel does for a test that is gone.
    drop(child.stdin.take());
    let closed = tokio::time::timeout(CLOSING, output.next_line());
    assert_eq!(
        closed.await.expect("a test that is gone leaves nothing").unwrap(),
        None
    );
}
