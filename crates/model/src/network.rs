//! Lists of IP networks: a client's allow list, the operator's exceptions.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A list of networks, each written as an address or in CIDR form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Networks(Vec<IpNet>);

/// A text that names no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is neither an IP address nor a network like 203.0.113.0/24 or 2001:db8::/32")]
pub struct InvalidNetwork(String);

impl Networks {
    /// Reads one text per network.
    ///
    /// # Errors
    /// Names the first text that is neither an address nor a network.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, InvalidNetwork> {
        texts.iter().map(|text| network(text.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `address` lies in one of them. An IPv4 address inside IPv6 (`::ffff:a.b.c.d`) counts as the IPv4
    /// address (security.md P1).
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Each as text.
    #[must_use]
    pub fn to_texts(&self) -> Vec<String> {
        self.0.iter().map(text).collect()
    }
}

fn network(given: &str) -> Result<IpNet, InvalidNetwork> {
    let invalid = || InvalidNetwork(given.chars().take(80).collect());
    if let Ok(address) = IpAddr::from_str(given) {
        return Ok(IpNet::from(address.to_canonical()));
    }
    let parsed = IpNet::from_str(given).map_err(|_| invalid())?;
    match parsed {
        IpNet::V6(v6) if v6.prefix_len() >= 96 && v6.addr().to_ipv4_mapped().is_some() => {
            let v4 = v6.addr().to_ipv4_mapped().ok_or_else(invalid)?;
            IpNet::new(IpAddr::V4(v4), v6.prefix_len() - 96).map(|net| net.trunc()).map_err(|_| invalid())
        }
        other => Ok(other.trunc()),
    }
}

fn text(network: &IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() {
        network.addr().to_string()
    } else {
        network.to_string()
    }
}

impl TryFrom<Vec<String>> for Networks {
    type Error = InvalidNetwork;

    fn try_from(texts: Vec<String>) -> Result<Self, InvalidNetwork> {
        Self::parse(&texts)
    }
}

impl From<Networks> for Vec<String> {
    fn from(networks: Networks) -> Self {
        networks.to_texts()
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_texts().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks_are_read_and_matched() {
        let list =
            Networks::parse(&["203.0.113.9", "10.1.2.3/8", "2001:db8::/32", "::ffff:198.51.100.0/120"]);
        let list = list.unwrap();
        assert_eq!(list.to_texts(), ["203.0.113.9", "10.0.0.0/8", "2001:db8::/32", "198.51.100.0/24"]);
        for inside in ["203.0.113.9", "10.255.0.1", "::ffff:10.0.0.1", "2001:db8::1", "198.51.100.7"] {
            assert!(list.contains(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["203.0.113.8", "11.0.0.1", "2001:db9::1", "::ffff:9.9.9.9"] {
            assert!(!list.contains(outside.parse().unwrap()), "{outside}");
        }
        assert!(Networks::parse(&["10.0.0.0/33"]).is_err());
        assert!(Networks::parse(&["office"]).is_err());
    }
}
