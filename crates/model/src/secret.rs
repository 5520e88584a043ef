//! A client's secrets as the store knows them: never the secret itself.

use std::fmt;
use std::net::IpAddr;

use crate::time::Timestamp;

/// How many secrets of one client may live at a time (security.md S8).
pub const MOST_LIVE_SECRETS: usize = 5;

/// Bytes encrypted under a key outside the database. `Debug` does not show them.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(…)")
    }
}

/// The keyed hash by which a secret is recognised. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier(pub Vec<u8>);

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(…)")
    }
}

/// One secret of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Counts up within the client and is never used again; tokens carry it.
    pub number: u16,
    /// The last four characters, shown so that people can tell secrets apart.
    pub hint: String,
    /// HMAC-SHA-256 under the pepper.
    pub verifier: Verifier,
    /// The encrypted copy of the *revealable* policy; none under *once*.
    pub sealed: Option<Sealed>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops being accepted, if a rotation or a person set an end.
    pub expires_at: Option<Timestamp>,
    /// When it was cut off with all its tokens.
    pub killed_at: Option<Timestamp>,
    /// When a token was last asked for with it, and from where, as far as has been written down.
    pub last_used: Option<(Timestamp, IpAddr)>,
}

/// Whether a secret is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretState {
    /// Accepted without an end.
    Active,
    /// Accepted until its end.
    Expiring,
    /// No longer accepted, and neither are the tokens that were asked for with it.
    Expired,
    /// Cut off before its time, together with the tokens that were asked for with it (security.md S10).
    Killed,
}

impl SecretState {
    /// As it stands in JSON and on pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
            Self::Killed => "killed",
        }
    }
}

impl Secret {
    /// The state at `now`. The end itself is already past (security.md S9).
    #[must_use]
    pub fn state(&self, now: Timestamp) -> SecretState {
        match (self.killed_at, self.expires_at) {
            (Some(_), _) => SecretState::Killed,
            (None, Some(end)) if end <= now => SecretState::Expired,
            (None, Some(_)) => SecretState::Expiring,
            (None, None) => SecretState::Active,
        }
    }

    /// Whether a token may be asked for with it at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        matches!(self.state(now), SecretState::Active | SecretState::Expiring)
    }
}
