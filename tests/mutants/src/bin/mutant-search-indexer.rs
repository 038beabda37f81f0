//! `search-indexer` with the mutation that `TASKWIRE_MUTATION` names.

use std::process::ExitCode;

use taskwire_mutants::search_indexer::chosen;

#[tokio::main]
#[allow(clippy::print_stderr, reason = "there are no logs to say it in")]
async fn main() -> ExitCode {
    match chosen() {
        Ok(rewire) => {
            taskwire_search_indexer::program(|_, generation, ports| rewire(generation, ports)).await
        }
        Err(unknown) => {
            eprintln!("error: {unknown}");
            ExitCode::from(2)
        }
    }
}
