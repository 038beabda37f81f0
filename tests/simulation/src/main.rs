//! Runs seeds by the thousand, repeats one with its trace, and shows that every break of the design is caught.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]

use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand};
use taskwire_simulation::{Mutation, Report, hunt, run, trace};

/// Simulates the whole way from a write to the index under seeded schedules
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run many seeds of the design; ends at the first that breaks a promise
    Seeds {
        /// How many
        #[arg(default_value_t = 100_000)]
        count: u64,
        /// The first
        #[arg(long, default_value_t = 0)]
        from: u64,
    },
    /// Run one seed and tell every step
    Seed {
        /// Which
        seed: u64,
        /// Of this break of the design
        #[arg(long)]
        mutation: Option<Mutation>,
    },
    /// Break the design, one break after the other, and name the promise that catches each
    Mutations {
        /// These breaks alone
        names: Vec<Mutation>,
        /// At most so many seeds for each
        #[arg(long, default_value_t = 5_000)]
        seeds: u64,
    },
}

fn main() -> ExitCode {
    let passed = match Arguments::parse().command {
        Command::Seeds { count, from } => seeds(from, count),
        Command::Seed { seed, mutation } => one(seed, mutation),
        Command::Mutations { names, seeds } if names.is_empty() => mutations(&Mutation::ALL, seeds),
        Command::Mutations { names, seeds } => mutations(&names, seeds),
    };
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn seeds(from: u64, count: u64) -> bool {
    let started = Instant::now();
    for seed in from..from + count {
        if let Some(violation) = run(seed, None) {
            eprintln!("seed {seed}: {violation}");
            eprintln!("to see it: cargo run -p taskwire-simulation -- seed {seed}");
            return false;
        }
    }
    println!(
        "{count} seeds from {from} on, no promise broken, {:.1} s",
        started.elapsed().as_secs_f64()
    );
    true
}

fn one(seed: u64, mutation: Option<Mutation>) -> bool {
    let Report { violation, trace, .. } = trace(seed, mutation);
    trace.iter().for_each(|line| println!("{line}"));
    match &violation {
        Some(violation) => println!("seed {seed}: {violation}"),
        None => println!("seed {seed}: no promise broken"),
    }
    violation.is_none()
}

fn mutations(which: &[Mutation], seeds: u64) -> bool {
    println!(
        "{:<38} {:<34} {:>7} {:>6}",
        "mutation", "caught by", "seed", "tried"
    );
    let mut all = true;
    for mutation in which {
        match hunt(*mutation, 0..seeds) {
            Some(caught) => println!(
                "{mutation:<38} {:<34} {:>7} {:>6}",
                caught.violation.invariant, caught.seed, caught.tried
            ),
            None => {
                all = false;
                println!("{mutation:<38} NOT CAUGHT in {seeds} seeds");
            }
        }
    }
    all
}
