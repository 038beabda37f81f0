//! Tries to break the promise: real programs on real engines under load, one random fault after the other, and in the
//! end a judge that asks what became of every single write.
//!
//! `cargo xtask faults` starts the engines and this program. It drives Taskwire from outside, over HTTP, signals, links
//! that it breaks and the engines' own switches, and must not use any of the product's crates.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool answers on its terminal"
)]

mod arguments;
mod client;
mod deck;
mod directed;
mod engine;
mod fields;
mod finding;
mod history;
mod judge;
mod late;
mod letters;
mod link;
mod load;
mod poison;
mod pool;
mod probe;
mod report;
mod rewind;
mod run;
mod site;
mod storm;
mod supervised;
mod watch;
mod wreck;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    let run = async {
        tokio::select! {
            outcome = run::run(Arguments::parse()) => outcome,
            signal = interrupted() => Err(anyhow::anyhow!("interrupted by {signal}")),
        }
    };
    // Whatever still runs ends with this program: its handles kill it when they are dropped.
    match run.await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Returns when somebody wants this program to end.
async fn interrupted() -> &'static str {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return "a signal that cannot be listened to";
    };
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = tokio::signal::ctrl_c() => "SIGINT",
    }
}
