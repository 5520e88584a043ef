//! Keys, and what is made with them.
//!
//! The [`Keyring`] lives in a file beside the database, never in it, so that a copy of the database holds nothing that
//! can be used: secrets are kept as keyed hashes ([`Keyring::verifier`]) and, where the owner wants to see them again,
//! as sealed copies ([`Keyring::seal`]); access tokens are not kept at all ([`Keyring::mint`]).
//!
//! Nothing here reads a file, a clock or the operating system's randomness: they come in as arguments.

pub mod admin_token;
pub mod base62;
pub mod keyring;
pub mod mask;
pub mod plain;
pub mod secret;
pub mod signature;
pub mod token;

pub use keyring::{Keyring, KeyringError, Sealing};
pub use mask::mask;
pub use plain::Plain;
pub use signature::{SigningPair, WebhookKey};
pub use token::{Claims, TokenError};
