//! Who asks for a change.

use std::fmt;
use std::net::IpAddr;

/// Who asks for a change, for the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The command line, on the machine itself.
    Cli,
    /// An API client, by its id, from an address.
    Client(String, IpAddr),
    /// Gatepost itself.
    System,
}

impl Actor {
    /// Where the request came from, if over a network.
    #[must_use]
    pub fn address(&self) -> Option<String> {
        match self {
            Self::Client(_, address) => Some(address.to_canonical().to_string()),
            Self::Cli | Self::System => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cli => f.write_str("cli"),
            Self::Client(id, _) => write!(f, "client:{id}"),
            Self::System => f.write_str("system"),
        }
    }
}
