//! How webhooks are signed (Standard Webhooks, "Signature scheme").

use crate::secret::Sealed;
use crate::time::Timestamp;

/// The kinds of keys that sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningScheme {
    /// HMAC-SHA-256: both sides hold one key, `whsec_…`. Signatures begin with `v1,`. What every library knows.
    Hmac,
    /// Ed25519: Gatepost alone can sign, and whoever holds the public key `whpk_…` can check. Signatures begin with `v1a,`.
    Ed25519,
}

impl SigningScheme {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Hmac, Self::Ed25519];

    /// As it stands in JSON and in forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hmac => "hmac",
            Self::Ed25519 => "ed25519",
        }
    }

    /// From that text.
    #[must_use]
    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.as_str() == text)
    }
}

/// A key that signs webhooks, encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// The `whsec_…` or `whsk_…` text, sealed.
    pub sealed: Sealed,
    /// The `whpk_…` text, if there is something to be public.
    pub public_key: Option<String>,
    /// When it stops signing, if a rotation set an end.
    pub expires_at: Option<Timestamp>,
}

impl SigningKey {
    /// Its kind: only one has a public half.
    #[must_use]
    pub const fn scheme(&self) -> SigningScheme {
        if self.public_key.is_some() { SigningScheme::Ed25519 } else { SigningScheme::Hmac }
    }
}
