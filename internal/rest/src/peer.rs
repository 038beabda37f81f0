//! Who is at the other end of the connection.

use std::net::IpAddr;

/// The other end; a request extension, put there by whoever accepted the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Its address; a proxy's, if one is in between.
    pub(crate) address: IpAddr,
    /// There were too many connections when it came: it is told so, and gets no more than health.
    pub(crate) one_too_many: bool,
}

#[cfg(test)]
impl Peer {
    /// One of those that are served.
    pub(crate) fn at(address: IpAddr) -> Self {
        Self {
            address,
            one_too_many: false,
        }
    }
}
