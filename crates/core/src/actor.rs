//! Who asks for a change.

use std::fmt;
use std::net::IpAddr;

use gatepost_model::{User, WorkspaceNumber};

/// An admin token that was shown, and what bounds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The token's id.
    pub token: String,
    /// The id of the user who made it, and whose present rights it cannot exceed.
    pub user: String,
    /// The workspaces that it was made for.
    pub workspaces: Vec<WorkspaceNumber>,
    /// From where it was shown.
    pub address: IpAddr,
}

impl Bearer {
    /// The user with what the token leaves of their rights.
    #[must_use]
    pub fn narrowed(&self, mut user: User) -> User {
        user.memberships
            .retain(|held| held.role.administers() && self.workspaces.contains(&held.workspace.number));
        user
    }
}

/// Who asks for a change, for the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The command line, on the machine itself.
    Cli,
    /// An API client, by its id, from an address.
    Client(String, IpAddr),
    /// A person who signed in, by the user's id, from an address.
    User(String, IpAddr),
    /// A person's admin token.
    Token(Bearer),
    /// Somebody who did not sign in, from an address.
    Unknown(IpAddr),
    /// Gatepost itself.
    System,
}

impl Actor {
    /// Whose a client is that the actor makes: a token makes it for its user.
    #[must_use]
    pub fn creator(&self) -> String {
        match self {
            Self::Token(bearer) => format!("user:{}", bearer.user),
            other => other.to_string(),
        }
    }

    /// The id of the user whose rights count, if there is one.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        match self {
            Self::User(id, _) => Some(id),
            Self::Token(bearer) => Some(&bearer.user),
            Self::Cli | Self::Client(..) | Self::Unknown(_) | Self::System => None,
        }
    }

    /// Where the request came from, if over a network.
    #[must_use]
    pub fn address(&self) -> Option<String> {
        match self {
            Self::Token(bearer) => Some(bearer.address.to_canonical().to_string()),
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
            Self::Token(bearer) => write!(f, "token:{}/user:{}", bearer.token, bearer.user),
            Self::Unknown(_) => f.write_str("unknown"),
            Self::System => f.write_str("system"),
        }
    }
}
