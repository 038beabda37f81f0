//! What tells one client from another.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName};

use crate::peer::Peer;

/// Where a request says whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientKey {
    /// The address that connects. Behind a proxy, that is the proxy's.
    Peer,
    /// The last address in `X-Forwarded-For`: the one that the nearest proxy wrote. Those before it are hearsay.
    ForwardedFor,
    /// The value of a header, such as an API key. Somebody in front must have checked it, or a new client is made up
    /// with every request.
    Header(HeaderName),
}

impl ClientKey {
    /// Feeds the hasher with whose request this is. Without the configured header it is the peer's.
    pub(super) fn hash(&self, request: &Request, state: &mut impl Hasher) {
        let headers = request.headers();
        match self {
            Self::Header(name) if headers.contains_key(name) => {
                headers.get_all(name).iter().for_each(|value| value.hash(state));
            }
            Self::ForwardedFor => match last_forwarded(headers) {
                Some(address) => network(address).hash(state),
                None => peer(request).hash(state),
            },
            Self::Peer | Self::Header(_) => peer(request).hash(state),
        }
    }
}

fn peer(request: &Request) -> Option<IpAddr> {
    let peer = request.extensions().get::<Peer>();
    peer.map(|peer| network(peer.address))
}

fn last_forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?;
    let address = last.to_str().ok()?.rsplit(',').next()?.trim();
    let unbracketed = address.strip_prefix('[').and_then(|rest| rest.split(']').next());
    let plain = unbracketed.unwrap_or(address).parse().ok();
    // Some proxies write the port too.
    plain.or_else(|| address.rsplit_once(':')?.0.parse().ok())
}

/// One client has at least all addresses of its /64, in IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address => address,
    }
}

impl FromStr for ClientKey {
    type Err = MalformedKey;

    fn from_str(text: &str) -> Result<Self, MalformedKey> {
        match text {
            "peer" => Ok(Self::Peer),
            "forwarded-for" => Ok(Self::ForwardedFor),
            _ => {
                let name = text.strip_prefix("header:").ok_or(MalformedKey)?;
                name.parse().map(Self::Header).map_err(|_| MalformedKey)
            }
        }
    }
}

impl fmt::Display for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer => f.write_str("peer"),
            Self::ForwardedFor => f.write_str("forwarded-for"),
            Self::Header(name) => write!(f, "header:{name}"),
        }
    }
}

/// It is no key of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedKey;

impl fmt::Display for MalformedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write peer, forwarded-for, or header: and the name of a header, as header:x-api-key")
    }
}

impl std::error::Error for MalformedKey {}

#[cfg(test)]
mod tests {
    use std::hash::DefaultHasher;

    use axum::body::Body;

    use super::*;

    fn client(key: &ClientKey, peer: &str, headers: &[(&str, &str)]) -> u64 {
        let mut request = crate::testing::request("GET", "/", headers);
        request.extensions_mut().insert(Peer::at(peer.parse().unwrap()));
        hash_of(key, &request)
    }

    fn hash_of(key: &ClientKey, request: &axum::http::Request<Body>) -> u64 {
        let mut state = DefaultHasher::new();
        key.hash(request, &mut state);
        state.finish()
    }

    #[test]
    fn a_peer_is_its_address_or_its_network() {
        let of = |peer| client(&ClientKey::Peer, peer, &[("x-forwarded-for", "9.9.9.9")]);
        assert_eq!(of("10.0.0.1"), of("10.0.0.1"));
        assert_eq!(of("10.0.0.1"), of("::ffff:10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    }

    #[test]
    fn only_the_last_hop_of_a_proxy_is_believed() {
        let of = |values: &[&str]| {
            let headers: Vec<_> = values.iter().map(|value| ("x-forwarded-for", *value)).collect();
            client(&ClientKey::ForwardedFor, "10.0.0.1", &headers)
        };
        let wanted = of(&["192.0.2.7"]);
        for same in [
            &["1.1.1.1, 192.0.2.7"][..],
            &["2.2.2.2,3.3.3.3 , 192.0.2.7"],
            &["1.1.1.1", "192.0.2.7"],
            &["192.0.2.7:4711"],
        ] {
            assert_eq!(of(same), wanted, "{same:?}");
        }
        assert_ne!(of(&["192.0.2.7, 192.0.2.8"]), wanted);
        assert_eq!(of(&["[2001:db8::1]:80"]), of(&["2001:db8::2"]));
        let peer = of(&[]);
        assert_eq!(of(&["unknown"]), peer);
        assert_eq!(of(&[""]), peer);
    }

    #[test]
    fn a_header_tells_clients_apart_and_those_without_it_are_their_peer() {
        let key = "header:X-Api-Key".parse().unwrap();
        let of = |peer, headers: &[(&str, &str)]| client(&key, peer, headers);
        let anna = of("10.0.0.1", &[("x-api-key", "anna")]);
        assert_eq!(anna, of("10.0.0.2", &[("x-api-key", "anna")]));
        assert_ne!(anna, of("10.0.0.1", &[("x-api-key", "ben")]));
        assert_ne!(of("10.0.0.1", &[]), of("10.0.0.2", &[]));
    }

    #[test]
    fn a_key_is_written_as_it_is_read() {
        for text in ["peer", "forwarded-for", "header:x-api-key"] {
            assert_eq!(text.parse::<ClientKey>().unwrap().to_string(), text);
        }
        for text in ["", "Peer", "header", "header:", "header:a b", "cookie"] {
            assert_eq!(text.parse::<ClientKey>(), Err(MalformedKey), "{text}");
        }
    }
}
