//! Developer's tool: real engines up and down, every test against them, the benchmarks, the repository's own rules, and
//! the committed OpenAPI document.
//!
//! It starts other programs and reads their answers. It must not depend on an engine's client or on any of our
//! crates: it has to build and run when they do not.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool answers on its terminal"
)]

mod bench;
mod cargo;
mod checkout;
mod contract;
mod faults;
mod openapi;
mod own_program;
mod progress;
mod search_engines;
mod stack;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use checkout::Checkout;

/// Developer's tool of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure the released binary; the report is kept in `target/bench`.
    Bench(bench::Arguments),
    /// Try the OpenAPI document with strangers' tools against the live service: linters, a generated client, a property
    /// tester.
    Contract(contract::Arguments),
    /// Try to break the promise: faults in every part of a running system, and an oracle that looks for what was lost,
    /// stale or resurrected.
    Faults(faults::Arguments),
    /// Write `docs/openapi.json` and `docs/events.schema.json` from the code.
    Openapi,
    /// Start, look at and remove the real engines: PostgreSQL, Kafka, Elasticsearch.
    #[command(subcommand)]
    Stack(stack::Command),
    /// Run every test against the real engines, bringing them up first if they are down.
    Test(test::Arguments),
    /// Check the repository's own rules: who may depend on whom, file length, names, links.
    Tidy,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    let checkout = Checkout::locate()?;
    match command {
        Command::Bench(arguments) => bench::run(&checkout, &arguments),
        Command::Contract(arguments) => contract::run(&checkout, &arguments),
        Command::Faults(arguments) => faults::run(&checkout, &arguments),
        Command::Openapi => openapi::run(&checkout),
        Command::Stack(command) => stack::run(&checkout, &command),
        Command::Test(arguments) => test::run(&checkout, &arguments),
        Command::Tidy => tidy::run(&checkout),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Arguments;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
