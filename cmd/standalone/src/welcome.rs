//! What somebody sees who has just started it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

/// Says where it is, where its documentation is, and what to try.
#[allow(clippy::print_stdout, reason = "it is meant for the person at the terminal")]
pub(crate) fn print(address: SocketAddr, data: &Path) {
    println!("{}", text(reachable(address), data));
}

/// The lines can be pasted one by one or all together: whoever is that quick must not search before the task is found.
fn text(address: SocketAddr, data: &Path) -> String {
    let base = format!("http://{address}");
    let json = "-H 'content-type: application/json'";
    format!(
        "\nTaskwire is running: {base}   (data in {data})\n\
         Documentation to click through: {base}/docs/\n\n\
         Try it:\n\
         \x20 curl -w '\\n' {base}/tasks {json} -d '{{\"description\": \"buy oat milk\", \"priority\": \"high\"}}'\n\
         \x20 curl -w '\\n' {base}/healthz/ready; sleep 1\n\
         \x20 curl -w '\\n' {base}/tasks/search {json} -d '{{\"description\": \"oat mil\"}}'\n\n\
         Ctrl-C stops it.\n",
        data = data.display()
    )
}

/// Whoever listens on every address can be reached at this machine's own.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_an_address_that_can_be_called_and_three_lines_to_try() {
        for (listening, named) in [
            ("127.0.0.1:9234", "http://127.0.0.1:9234"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:9234", "http://[::1]:9234"),
        ] {
            let text = text(reachable(listening.parse().unwrap()), Path::new("./data"));
            assert_eq!(text.matches(named).count(), 5, "{text}");
            assert_eq!(text.matches("\n  curl -w '\\n' ").count(), 3, "{text}");
            assert!(text.contains("(data in ./data)"), "{text}");
        }
    }
}
