//! Where the engines are, and the record of which test used which.

use std::fs::OpenOptions;
use std::io::Write;

/// The address of an engine, or a panic that says how to get one. Records that the calling test uses it, for
/// the count at the end of `cargo xtask test`.
pub(crate) fn take(engine: &str, variable: &str) -> String {
    let address = std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: run `cargo xtask test`, or `cargo xtask stack up` and `set -a; . target/stack/env`")
    });
    record_use(engine);
    address
}

/// A name no other test has: letters, digits and underscores, lower case.
pub(crate) fn unique_name(prefix: &str) -> String {
    format!("{prefix}_{}", uuid::Uuid::new_v4().simple())
}

fn record_use(engine: &str) {
    let Ok(file) = std::env::var("TASKWIRE_ENGINE_USE") else {
        return;
    };
    let binary = std::env::current_exe()
        .ok()
        .and_then(|path| Some(path.file_stem()?.to_str()?.to_owned()));
    let binary = binary.unwrap_or_else(|| "unknown".to_owned());
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("unnamed");
    let line = format!("{engine}\t{binary}::{test}\n");
    let written = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&file)
        .and_then(|mut f| f.write_all(line.as_bytes()));
    written.unwrap_or_else(|error| panic!("the record of engine use {file} cannot be written: {error}"));
}

/// Runs clean-up to its end on a thread of its own, because a `drop` cannot await.
pub(crate) fn clean_up<F>(what: String, work: impl FnOnce() -> F + Send + 'static)
where
    F: Future<Output = anyhow::Result<()>>,
{
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(work())
    });
    match thread.join() {
        Ok(Ok(())) => {}
        // A test may have stopped the engine; leftovers are named for the test run and harm nobody.
        Ok(Err(error)) => eprintln!("{what} was left behind: {error:#}"),
        Err(_) => eprintln!("{what} was left behind: its clean-up panicked"),
    }
}
