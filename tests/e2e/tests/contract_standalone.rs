//! The contract on the service in one process.

use std::process::ExitCode;

fn main() -> ExitCode {
    taskwire_e2e::contract::run::<taskwire_e2e::Standalone>()
}
