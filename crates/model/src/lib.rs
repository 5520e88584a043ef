//! The words of Gatepost as types: pure values and rules, without I/O.
//!
//! Everything here can be tested without a runtime, a file or a socket. Time and randomness come in as
//! arguments ([`Timestamp`], [`Random`]); the only two places that ask the machine for them are
//! [`SystemClock`] and [`SystemRandom`], which the composition root hands down.

pub mod client;
pub mod crash;
pub mod custom_header;
pub mod duration;
pub mod failure_clock;
pub mod ids;
pub mod limit;
pub mod network;
pub mod notice;
pub mod phases;
pub mod random;
pub mod replay;
pub mod retry;
pub mod secret;
pub mod signing;
pub mod time;
pub mod user;
pub mod version;
pub mod webhook;
pub mod workspace;

pub use client::{ApiClient, ClientNumber, ClientStatus, SecretPolicy};
pub use crash::{CrashPoint, CrashPoints, NoCrash};
pub use failure_clock::FailureClock;
pub use phases::Phases;
pub use random::{Random, SeededRandom, SystemRandom};
pub use secret::{Secret, SecretState};
pub use signing::{SigningKey, SigningScheme};
pub use time::{Clock, ManualClock, SystemClock, Timestamp};
pub use user::{Membership, Role, User};
pub use version::ApiVersion;
pub use webhook::{DeliveryState, Method, UrlState, WebhookUrl};
pub use workspace::{Subdomain, Workspace, WorkspaceNumber};
