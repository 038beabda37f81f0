//! Where to listen, as people write it.

use std::net::{SocketAddr, ToSocketAddrs};

/// Takes an address or a name, and a port: `127.0.0.1:9234`, `[::1]:9234`, `localhost:9234`. A name with several
/// addresses stands for its first.
///
/// # Errors
/// A sentence that says what would be right.
pub fn listen_address(text: &str) -> Result<SocketAddr, String> {
    const WANTED: &str = "must be an address and a port, such as 127.0.0.1:9234";
    let addresses = text.to_socket_addrs().map_err(|_| WANTED.to_owned());
    addresses?.next().ok_or_else(|| WANTED.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_will_do_and_a_port_alone_will_not() {
        assert_eq!(
            listen_address("127.0.0.1:80"),
            Ok("127.0.0.1:80".parse().unwrap())
        );
        assert_eq!(listen_address("[::1]:80"), Ok("[::1]:80".parse().unwrap()));
        assert!(listen_address("localhost:80").unwrap().ip().is_loopback());
        for wrong in ["9234", "localhost", "127.0.0.1", "127.0.0.1:99999", ""] {
            let said = listen_address(wrong).unwrap_err();
            assert!(said.ends_with("such as 127.0.0.1:9234"), "{wrong}: {said}");
        }
    }
}
