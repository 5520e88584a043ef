//! Where a request comes from.

use std::net::{IpAddr, SocketAddr};

use gatepost_model::network::Networks;
use http::HeaderMap;

/// The address of whoever sent a request. The listener puts one into every request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller(pub IpAddr);

/// The address of a caller who cannot be told.
pub const UNKNOWN: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

/// The address of the caller: the socket's, or, if that is a trusted proxy's, the last one in `X-Forwarded-For` that is
/// not. What stands further left was written by the caller and is not believed (security.md P1).
#[must_use]
pub fn resolve(peer: SocketAddr, headers: &HeaderMap, trusted: &Networks) -> Caller {
    let mut address = peer.ip().to_canonical();
    if trusted.is_empty() || !trusted.contains(address) {
        return Caller(address);
    }
    let hops = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = hops.flat_map(|value| value.split(',')).map(str::trim).collect();
    for hop in hops.into_iter().rev() {
        // Who wrote something else here stays unknown, and passes no allow list.
        let Ok(next) = hop.parse::<IpAddr>() else {
            return Caller(UNKNOWN);
        };
        address = next.to_canonical();
        if !trusted.contains(address) {
            break;
        }
    }
    Caller(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted = Networks::parse(trusted).unwrap();
        resolve(SocketAddr::new(peer.parse().unwrap(), 1), &headers, &trusted).0.to_string()
    }

    #[test]
    fn p1_only_what_a_trusted_proxy_added_is_believed() {
        assert_eq!(caller("203.0.113.9", &["10.0.0.1"], &[]), "203.0.113.9");
        assert_eq!(caller("203.0.113.9", &["10.0.0.1"], &["192.0.2.0/24"]), "203.0.113.9");
        let proxies = ["192.0.2.0/24"];
        assert_eq!(caller("192.0.2.1", &["198.51.100.7"], &proxies), "198.51.100.7");
        assert_eq!(caller("192.0.2.1", &["10.9.9.9, 198.51.100.7"], &proxies), "198.51.100.7");
        assert_eq!(caller("192.0.2.1", &["10.9.9.9, 198.51.100.7, 192.0.2.2"], &proxies), "198.51.100.7");
        assert_eq!(caller("192.0.2.1", &["10.9.9.9", "198.51.100.7"], &proxies), "198.51.100.7");
        assert_eq!(caller("192.0.2.1", &[], &proxies), "192.0.2.1");
        assert_eq!(caller("192.0.2.1", &["nonsense"], &proxies), "0.0.0.0");
        assert_eq!(caller("::ffff:192.0.2.1", &["2001:db8::7"], &proxies), "2001:db8::7");
    }
}
