//! The contract on `rest-server` and `search-indexer`, with the real engines.

use std::process::ExitCode;

fn main() -> ExitCode {
    taskwire_e2e::contract::run::<taskwire_e2e::Distributed>()
}
