//! Access tokens: issuing, checking, revoking.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gatepost_keys::{Claims, Plain, secret};
use gatepost_model::client::{LastUsed, RevokedToken};
use gatepost_model::secret::Verifier;
use gatepost_model::{ApiClient, ClientStatus, Timestamp, ids};
use gatepost_store::tables::clients;

use crate::gate::{self, Business, Credential, Request, Verdict};
use crate::{Error, Gatepost};

/// What a token request proves its client with.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// `gpc_…`.
    pub client_id: String,
    /// `gps_…`.
    pub client_secret: Plain,
}

/// A token that was just issued.
#[derive(Debug)]
pub struct Issued {
    /// The token. It exists here and with the caller only.
    pub token: Plain,
    /// What it says.
    pub claims: Claims,
    /// Whose it is.
    pub client: Arc<ApiClient>,
}

/// Why a client could not be authenticated.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refused {
    /// Unknown client, wrong secret, client not active, or address not allowed: the caller is not told which.
    #[error("the client could not be authenticated: {0}")]
    InvalidClient(&'static str),
    /// Too many failed attempts from this address.
    #[error("too many failed attempts")]
    Wait(Duration),
    /// The store failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// What a revocation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// The token is dead, or was already.
    Done,
    /// The token is another client's: nothing was done (RFC 7009 section 2.1).
    NotYours,
}

impl Gatepost {
    /// Issues a token to whoever proves to be an active client. Nothing is stored.
    ///
    /// # Errors
    /// [`Refused`] says why not.
    pub async fn issue_token(&self, credentials: &Credentials, from: IpAddr) -> Result<Issued, Refused> {
        let now = self.now();
        let authenticated = self.authenticate(credentials, from).await;
        self.counts.token(authenticated.is_ok());
        let (client, secret) = authenticated?;
        let (token, claims) =
            self.keyring.mint(client.number, secret, now, client.token_lifetime, &*self.random);
        self.journal.note_use(client.number, LastUsed { at: now, address: from, workspace: None });
        self.journal.note_secret_use(client.number, secret, now, from);
        Ok(Issued { token, claims, client })
    }

    /// Issues a token to a client that the operator named, with its newest live secret.
    ///
    /// # Errors
    /// If the client does not exist, is not active or has no live secret, or the store fails.
    pub async fn issue_token_for(&self, id: &str) -> Result<Issued, Error> {
        let now = self.now();
        let client = self.get_client(id).await?;
        if client.status != ClientStatus::Active {
            let status = client.status.as_str();
            return Err(Error::Conflict(format!("the client is {status}: it gets no tokens")));
        }
        let secret = client
            .live_secrets(now)
            .next_back()
            .ok_or_else(|| Error::Conflict(String::from("the client has no live secret: rotate it first")))?
            .number;
        let (token, claims) =
            self.keyring.mint(client.number, secret, now, client.token_lifetime, &*self.random);
        Ok(Issued { token, claims, client })
    }

    /// Finds out which client, and which of its secrets, `credentials` are. Takes the same steps for an unknown client as
    /// for a wrong secret (security.md T9).
    ///
    /// # Errors
    /// [`Refused`] says why not.
    pub async fn authenticate(
        &self,
        credentials: &Credentials,
        from: IpAddr,
    ) -> Result<(Arc<ApiClient>, u16), Refused> {
        self.check_feed()?;
        let now = self.now();
        if let Some(wait) = self.failed.wait(from, &credentials.client_id, now) {
            return Err(Refused::Wait(wait));
        }
        let identified = self.identify(credentials, from, now).await;
        if let Err(Refused::InvalidClient(why)) = &identified {
            self.failed.note(from, &credentials.client_id, now);
            tracing::info!(client.id = loggable(&credentials.client_id), %from, why, "client.refused");
        }
        identified
    }

    async fn identify(
        &self,
        credentials: &Credentials,
        from: IpAddr,
        now: Timestamp,
    ) -> Result<(Arc<ApiClient>, u16), Refused> {
        let given = credentials.client_secret.expose();
        // A mistyped secret shows itself by its checksum: nothing is looked up for it (security.md S3).
        let well_formed = secret::is_well_formed(given);
        let client = if well_formed && credentials.client_id.starts_with(ids::CLIENT_ID) {
            self.directory
                .lookup_by_id(&self.store, &credentials.client_id)
                .await
                .map_err(|error| Refused::Failed(error.into()))?
        } else {
            None
        };
        let known = client.as_ref().map_or(&[][..], |client| &client.secrets);
        let mut found = None;
        // Every live secret is compared, and one that does not exist where there is no client, so that the time taken
        // does not tell how many there are.
        for secret in known.iter().filter(|secret| secret.is_live(now)) {
            if self.keyring.recognises(&secret.verifier, given) {
                found = Some(secret.number);
            }
        }
        if known.is_empty() {
            std::hint::black_box(self.keyring.recognises(&Verifier(vec![0; 33]), given));
        }
        let refused = |why| Err(Refused::InvalidClient(why));
        let (client, secret) = match (client, found) {
            (None, _) if !well_formed => return refused("the secret is mistyped: its checksum is wrong"),
            (None, _) => return refused("there is no client with this client id"),
            (Some(_), None) => return refused("the secret is not one of the client's live secrets"),
            (Some(client), Some(secret)) => (client, secret),
        };
        match client.status {
            ClientStatus::Active => {}
            ClientStatus::Disabled => return refused("the client is disabled"),
            ClientStatus::Revoked => return refused("the client was revoked"),
        }
        if !client.allow_list.is_empty() && !client.allow_list.contains(from) {
            return refused("the address is not on the client's allow list");
        }
        Ok((client, secret))
    }

    /// What an already authenticated `client` may know of `token`: its claims, if it is the client's own and good now
    /// (RFC 7662).
    #[must_use]
    pub fn introspect_token(&self, client: &ApiClient, token: &str) -> Option<Claims> {
        let claims = self.keyring.verify(token).ok().filter(|claims| claims.client == client.number)?;
        self.is_good(client, token, claims).then_some(claims)
    }

    /// Revokes one token of an already authenticated `client` (RFC 7009). When this returns, the token is dead.
    ///
    /// # Errors
    /// If the store fails: then the token is still good.
    pub async fn revoke_token(&self, client: &ApiClient, token: &str) -> Result<Revocation, Error> {
        let Ok(claims) = self.keyring.verify(token) else {
            return Ok(Revocation::Done);
        };
        if claims.client != client.number {
            return Ok(Revocation::NotYours);
        }
        let now = self.now();
        if claims.expires_at() <= now {
            return Ok(Revocation::Done);
        }
        let (number, expires_at) = (client.number, claims.expires_at());
        self.store
            .write(move |tx| {
                let token = RevokedToken { id: claims.id.to_vec(), expires_at };
                clients::revoke_token(tx, number, &token, now)
            })
            .await
            .map_err(Error::Store)?;
        Ok(Revocation::Done)
    }

    /// Whether a token whose MAC is right would pass the gate as far as token and client go.
    fn is_good(&self, client: &ApiClient, token: &str, claims: Claims) -> bool {
        let request = Request {
            credential: Credential::Token(token),
            claims: Ok(claims),
            business: Business::Missing,
            address: IpAddr::from([0, 0, 0, 0]),
            version: Ok(None),
            route_exists: true,
        };
        let verdict = gate::decide(&request, Some(client), &mut Default::default(), u32::MAX, self.now());
        let judged = [gate::Check::Shape, gate::Check::Token, gate::Check::Client];
        verdict
            .trace
            .iter()
            .filter(|(check, _)| judged.contains(check))
            .all(|(_, finding)| finding == gate::Finding::Passed)
    }

    /// Checks a token's MAC: the first step of the gate.
    pub(crate) fn read_token(&self, credential: Credential<'_>) -> Result<Claims, gatepost_keys::TokenError> {
        match credential {
            Credential::Token(token) => self.keyring.verify(token),
            Credential::Missing | Credential::Bad(_) => Err(gatepost_keys::TokenError::Shape),
        }
    }

    /// Lets the gate decide on a live request and hands its verdict to `then`, with the client that the token names.
    ///
    /// # Errors
    /// If the client had to be loaded and the store failed.
    pub async fn admit(
        &self,
        asked: Asked<'_>,
        now: Timestamp,
    ) -> Result<(Option<Arc<ApiClient>>, Admission), Error> {
        let claims = self.read_token(asked.credential);
        let client = match claims {
            Ok(claims) => self.lookup_client(claims.client).await?,
            Err(_) => None,
        };
        let request = Request {
            credential: asked.credential,
            claims,
            business: asked.business,
            address: asked.address,
            version: asked.version,
            route_exists: asked.route_exists,
        };
        let admission = match &client {
            Some(client) => {
                let judge = |window: &mut _, limit| {
                    Admission::from(gate::decide(&request, Some(client), window, limit, now))
                };
                self.limits.judge(&self.store, client, now, judge).await?
            }
            None => Admission::from(gate::decide(&request, None, &mut Default::default(), 0, now)),
        };
        self.counts.verdict(admission.trace.failure().map(|(_, reason)| reason));
        if let (Some(client), Ok(claims)) = (&client, claims) {
            self.calls.count((client.number, claims.secret), &asked, &admission, now);
        }
        Ok((client, admission))
    }
}

/// What was sent as a client id, if it looks like one. Anything else stays out of the log: people send secrets as ids.
fn loggable(client_id: &str) -> &str {
    let like_one = client_id.starts_with(ids::CLIENT_ID)
        && client_id.len() <= 50
        && client_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if like_one { client_id } else { "(not a client id)" }
}

/// A live request, before its token was looked at.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What was sent to authenticate.
    pub credential: Credential<'a>,
    /// Which workspace was named.
    pub business: Business<'a>,
    /// Where the request comes from.
    pub address: IpAddr,
    /// The version that the path names.
    pub version: Result<Option<gatepost_model::ApiVersion>, ()>,
    /// Whether the route exists with this HTTP method.
    pub route_exists: bool,
}

/// A verdict that outlives the client's borrowed state.
#[derive(Clone, Copy, Debug)]
pub struct Admission {
    /// How each check ended.
    pub trace: gate::Trace,
    /// What is left of the limit, if that check was reached.
    pub quota: Option<gatepost_model::limit::Quota>,
    /// The workspace, if that check was passed.
    pub workspace: Option<gatepost_model::WorkspaceNumber>,
    /// The version to answer in.
    pub version: gatepost_model::ApiVersion,
}

impl From<Verdict<'_>> for Admission {
    fn from(verdict: Verdict<'_>) -> Self {
        Self {
            trace: verdict.trace,
            quota: verdict.quota,
            workspace: verdict.workspace.map(|workspace| workspace.number),
            version: verdict.version,
        }
    }
}
