//! What somebody sees who has just started it.

use std::net::SocketAddr;
use std::path::Path;

/// Says where it is, where its documentation is, and what to try.
#[allow(clippy::print_stdout, reason = "it is meant for the person at the terminal")]
pub(crate) fn print(address: SocketAddr, data: &Path) {
    let base = format!("http://{address}");
    println!(
        "\nTaskwire is running: {base}   (data in {data})\n\
         Documentation to click through: {base}/docs/\n\n\
         Try it:\n\
         \x20 curl {base}/tasks -H 'content-type: application/json' -d '{{\"description\": \"buy oat milk\", \"priority\": \"high\"}}'\n\
         \x20 curl {base}/tasks/search -H 'content-type: application/json' -d '{{\"description\": \"oat mil\"}}'\n\
         \x20 curl {base}/healthz/ready\n\n\
         Ctrl-C stops it.\n",
        data = data.display()
    );
}
