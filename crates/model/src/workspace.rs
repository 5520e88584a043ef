//! Workspaces.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A workspace's small number inside the store: the narrow key of every row that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkspaceNumber(pub i64);

/// A workspace, named on the wire by its subdomain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// `wsp_…`.
    pub id: String,
    /// The key inside the store.
    pub number: WorkspaceNumber,
    /// What the `business` header says.
    pub subdomain: Subdomain,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The name of a workspace on the wire: `[a-z0-9]` with inner hyphens, at most 63 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subdomain(String);

impl Subdomain {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A subdomain that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" cannot be a workspace's subdomain: use 1 to 63 of a-z, 0-9 and -, and begin and end with a letter or digit"
)]
pub struct InvalidSubdomain(String);

impl FromStr for Subdomain {
    type Err = InvalidSubdomain;

    fn from_str(text: &str) -> Result<Self, InvalidSubdomain> {
        let inner = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        let edges = !text.starts_with('-') && !text.ends_with('-');
        if inner && edges && (1..=63).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidSubdomain(text.chars().take(80).collect()))
        }
    }
}

impl TryFrom<String> for Subdomain {
    type Error = InvalidSubdomain;

    fn try_from(text: String) -> Result<Self, InvalidSubdomain> {
        text.parse()
    }
}

impl From<Subdomain> for String {
    fn from(subdomain: Subdomain) -> Self {
        subdomain.0
    }
}

impl fmt::Display for Subdomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subdomains() {
        for good in ["a", "the-ceramic-school", "x2", &"a".repeat(63)] {
            assert_eq!(good.parse::<Subdomain>().unwrap().as_str(), good);
        }
        for bad in ["", "-a", "a-", "A", "a.b", "ä", "a b", &"a".repeat(64)] {
            assert!(bad.parse::<Subdomain>().is_err(), "{bad}");
        }
    }
}
