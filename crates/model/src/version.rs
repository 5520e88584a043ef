//! API versions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A version of the REST API, as its path prefix names it. Older sorts before newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ApiVersion {
    /// `v1`
    V1,
    /// `v1.7`
    V1_7,
    /// `v1.8`
    V1_8,
    /// `v1.9`
    V1_9,
    /// `v1.10`
    V1_10,
    /// `v1.11`
    V1_11,
}

impl ApiVersion {
    /// The newest version, which new clients get.
    pub const NEWEST: Self = Self::V1_11;

    /// Every version, oldest first.
    pub const ALL: [Self; 6] = [Self::V1, Self::V1_7, Self::V1_8, Self::V1_9, Self::V1_10, Self::V1_11];

    /// As it stands in a path.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1_7 => "v1.7",
            Self::V1_8 => "v1.8",
            Self::V1_9 => "v1.9",
            Self::V1_10 => "v1.10",
            Self::V1_11 => "v1.11",
        }
    }
}

/// A version that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an API version; the versions are v1, v1.7, v1.8, v1.9, v1.10 and v1.11")]
pub struct UnknownVersion(String);

impl FromStr for ApiVersion {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        let plain = text.strip_prefix('v').unwrap_or(text);
        Self::ALL
            .into_iter()
            .find(|version| version.as_str().strip_prefix('v') == Some(plain))
            .ok_or_else(|| UnknownVersion(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for ApiVersion {
    type Error = UnknownVersion;

    fn try_from(text: String) -> Result<Self, UnknownVersion> {
        text.parse()
    }
}

impl From<ApiVersion> for String {
    fn from(version: ApiVersion) -> Self {
        version.as_str().to_owned()
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_read_and_order() {
        for version in ApiVersion::ALL {
            assert_eq!(version.as_str().parse(), Ok(version));
        }
        assert_eq!("1.11".parse(), Ok(ApiVersion::V1_11));
        assert!(ApiVersion::V1_9 < ApiVersion::V1_10);
        assert!("v2".parse::<ApiVersion>().is_err());
        assert!("vv1".parse::<ApiVersion>().is_err());
    }
}
