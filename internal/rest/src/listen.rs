//! Taking an address to listen on.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

/// Listens on the address; `setting` is what it was given with, for the sentence when that fails.
///
/// # Errors
/// A sentence that says what to do, when the address cannot be had.
pub async fn listen(address: SocketAddr, setting: &'static str) -> Result<TcpListener, ListenFault> {
    TcpListener::bind(address)
        .await
        .map_err(|cause| match cause.kind() {
            io::ErrorKind::AddrInUse => ListenFault::Taken { address, setting },
            _ => ListenFault::Refused {
                address,
                setting,
                cause,
            },
        })
}

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenFault {
    /// Somebody else has it.
    #[error("another process listens on {address}: stop it, or choose another address with {setting}")]
    Taken {
        /// Which.
        address: SocketAddr,
        /// What it was given with.
        setting: &'static str,
    },
    /// The system does not give it to us: it is none of this machine's, or needs a privilege.
    #[error("{address} cannot be listened on: choose another address with {setting}")]
    Refused {
        /// Which.
        address: SocketAddr,
        /// What it was given with.
        setting: &'static str,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_is_taken_or_foreign_is_told_apart() {
        let first = listen("127.0.0.1:0".parse().unwrap(), "--listen").await.unwrap();
        let address = first.local_addr().unwrap();
        let taken = listen(address, "METRICS_ADDR").await.unwrap_err();
        assert_eq!(
            taken.to_string(),
            format!(
                "another process listens on {address}: stop it, or choose another address with METRICS_ADDR"
            )
        );
        // An address for documentation (RFC 5737), which no machine has.
        let foreign = listen("192.0.2.1:80".parse().unwrap(), "LISTEN_ADDR").await;
        assert!(matches!(foreign, Err(ListenFault::Refused { .. })), "{foreign:?}");
    }
}
