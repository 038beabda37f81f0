//! `rest-server` with the mutation that `TASKWIRE_MUTATION` names.

use std::process::ExitCode;

use taskwire_mutants::rest_server::chosen;

#[tokio::main]
#[allow(clippy::print_stderr, reason = "there are no logs to say it in")]
async fn main() -> ExitCode {
    match chosen() {
        Ok(rewire) => taskwire_rest_server::run_from_command_line(rewire).await,
        Err(unknown) => {
            eprintln!("error: {unknown}");
            ExitCode::from(2)
        }
    }
}
