//! See the library: this is all of it.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    taskwire_rest_server::run_from_command_line(|ports| ports).await
}
