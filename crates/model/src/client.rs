//! The API client: the one object at the centre.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::network::Networks;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::version::ApiVersion;
use crate::webhook::{Method, PayloadShape, WebhookUrl};
use crate::workspace::Workspace;

/// How long an access token lives unless the client shortens it: 72 hours (contract A27).
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(259_200);

/// The shortest lifetime that a client may choose.
pub const SHORTEST_TOKEN_LIFETIME: Duration = Duration::from_secs(60);

/// A client's small number: it is in every token, and is never used again after the client is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientNumber(pub u32);

/// Whether a client may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientStatus {
    /// It may.
    Active,
    /// Not for now: its tokens and secrets are refused until it is enabled again.
    Disabled,
    /// Never again: every token is dead, and it cannot be enabled.
    Revoked,
}

impl ClientStatus {
    /// As it stands in JSON, in the store and on pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Revoked => "revoked",
        }
    }

    /// From the store's text.
    #[must_use]
    pub fn from_name(text: &str) -> Option<Self> {
        [Self::Active, Self::Disabled, Self::Revoked].into_iter().find(|status| status.as_str() == text)
    }
}

/// Whether a secret can be seen again (contract A8, A38).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretPolicy {
    /// An encrypted copy is kept; the owner can reveal it at any time.
    Revealable,
    /// Only the verifier is kept; the secret is shown once.
    Once,
}

impl SecretPolicy {
    /// As it stands in JSON, in the store and on pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revealable => "revealable",
            Self::Once => "once",
        }
    }

    /// From the store's text.
    #[must_use]
    pub fn from_name(text: &str) -> Option<Self> {
        [Self::Revealable, Self::Once].into_iter().find(|policy| policy.as_str() == text)
    }
}

/// The latest use of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUsed {
    /// When.
    pub at: Timestamp,
    /// From where.
    pub address: IpAddr,
    /// In which workspace, by subdomain; none for a token request.
    pub workspace: Option<String>,
}

/// A token that was revoked singly (RFC 7009) and would otherwise still be valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokedToken {
    /// The token's id.
    pub id: Vec<u8>,
    /// When it would have ended anyway.
    pub expires_at: Timestamp,
}

/// An API client with all that the gate, the token endpoint and the pages need of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiClient {
    /// `cli_…`, for people and the admin API.
    pub id: String,
    /// The key inside the store and in tokens.
    pub number: ClientNumber,
    /// What people call it.
    pub name: String,
    /// `gpc_…`, what the tool sends to the token endpoint.
    pub client_id: String,
    /// Whether it may act.
    pub status: ClientStatus,
    /// Its version of the API, for unprefixed paths and for webhooks.
    pub api_version: ApiVersion,
    /// Whether its secrets can be seen again.
    pub secret_policy: SecretPolicy,
    /// What its webhooks' bodies look like.
    pub payload: PayloadShape,
    /// How long its tokens live.
    pub token_lifetime: Duration,
    /// Requests per hour; none means the deployment's default.
    pub rate_limit: Option<u32>,
    /// Where it may call from; empty means anywhere.
    pub allow_list: Networks,
    /// Tokens issued before this are dead.
    pub not_before: Timestamp,
    /// Counts up with each change, for optimistic concurrency.
    pub revision: i64,
    /// The workspaces that it is enabled for.
    pub workspaces: Vec<Workspace>,
    /// Where its webhooks go.
    pub webhook_urls: Vec<WebhookUrl>,
    /// The checklist: which events are sent. It governs nothing else (contract A17 to A19).
    pub methods: BTreeSet<Method>,
    /// Its secrets, oldest first, dead ones included.
    pub secrets: Vec<Secret>,
    /// Tokens of it that were revoked singly and have not ended yet.
    pub revoked_tokens: Vec<RevokedToken>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last acted, as far as has been written down.
    pub last_used: Option<LastUsed>,
}

impl ApiClient {
    /// The enabled workspace whose subdomain is exactly `subdomain`.
    #[must_use]
    pub fn workspace(&self, subdomain: &str) -> Option<&Workspace> {
        self.workspaces.iter().find(|workspace| workspace.subdomain.as_str() == subdomain)
    }

    /// The secret with this number.
    #[must_use]
    pub fn secret(&self, number: u16) -> Option<&Secret> {
        self.secrets.iter().find(|secret| secret.number == number)
    }

    /// The secrets that are accepted at `now`, newest last.
    pub fn live_secrets(&self, now: Timestamp) -> impl DoubleEndedIterator<Item = &Secret> {
        self.secrets.iter().filter(move |secret| secret.is_live(now))
    }

    /// The webhook URL with this id.
    #[must_use]
    pub fn webhook_url(&self, id: &str) -> Option<&WebhookUrl> {
        self.webhook_urls.iter().find(|url| url.id == id)
    }
}
