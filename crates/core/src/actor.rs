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
    /// A person who signed in, by the user's id, from an address.
    User(String, IpAddr),
    /// Somebody who did not sign in, from an address.
    Unknown(IpAddr),
    /// Gatepost itself.
    System,
}

impl Actor {
    /// Where the request came from, if over a network.
    #[must_use]
    pub fn address(&self) -> Option<String> {
        match self {
            Self::Client(_, address) | Self::User(_, address) | Self::Unknown(address) => {
                Some(address.to_canonical().to_string())
            }
            Self::Cli | Self::System => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cli => f.write_str("cli"),
            Self::Client(id, _) => write!(f, "client:{id}"),
            Self::User(id, _) => write!(f, "user:{id}"),
            Self::Unknown(_) => f.write_str("unknown"),
            Self::System => f.write_str("system"),
        }
    }
}
