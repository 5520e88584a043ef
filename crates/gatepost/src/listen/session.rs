//! What `gatepost listen` asks of the server: tokens, and the feed of events.

use std::time::Duration;

use anyhow::anyhow;
use gatepost_keys::Plain;
use http::{Method, Request, StatusCode, header};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::Mutex;
use url::form_urlencoded;

use crate::remote::{Remote, Reply};

/// For an answer that does not wait.
const DEADLINE: Duration = Duration::from_secs(20);

/// How long the server is asked to wait for an event, in seconds.
const WAIT: u64 = 25;

/// A client at a server.
pub(super) struct Session {
    remote: Remote,
    client_id: String,
    secret: Plain,
    /// The latest token; none before the first.
    token: Mutex<Option<String>>,
}

/// Where to go on in a workspace's feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// With what comes from now on.
    Latest,
    /// With the first event that there is.
    Start,
    /// At a time.
    Since(String),
    /// After an event.
    After(String),
}

/// A page of the feed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    pub(super) events: Vec<FeedEvent>,
    pub(super) next: Option<String>,
    /// The version in which the records are.
    #[serde(skip)]
    pub(super) api_version: Option<String>,
}

/// An event as the feed has it.
#[derive(Debug, Deserialize)]
pub(super) struct FeedEvent {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) method: String,
    pub(super) timestamp: String,
    /// As it is: signatures are over bytes.
    pub(super) data: Box<RawValue>,
}

/// Why there is no page.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It may pass by itself; the server may say after how long.
    Passing(String, Option<Duration>),
    /// It will not.
    Final(anyhow::Error),
}

impl Session {
    pub(super) fn new(remote: Remote, client_id: String, secret: Plain) -> Self {
        Self { remote, client_id, secret, token: Mutex::new(None) }
    }

    /// What comes next in a workspace; waits a while if there is nothing.
    pub(super) async fn next(&self, workspace: &str, place: &Place) -> Result<Page, Trouble> {
        let token = self.token(None).await?;
        match self.read(workspace, place, &token).await? {
            // A token ends after days, or when somebody ends it.
            reply if reply.status == StatusCode::UNAUTHORIZED => {
                let token = self.token(Some(&token)).await?;
                page(&self.read(workspace, place, &token).await?)
            }
            reply => page(&reply),
        }
    }

    async fn read(&self, workspace: &str, place: &Place, token: &str) -> Result<Reply, Trouble> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        match place {
            Place::Latest => query.append_pair("after", "latest"),
            Place::Start => &mut query,
            Place::Since(since) => query.append_pair("since", since),
            Place::After(id) => query.append_pair("after", id),
        };
        query.append_pair("wait", &WAIT.to_string());
        let request = Request::builder()
            .method(Method::GET)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header("business", workspace);
        let path = format!("/webhook-events?{}", query.finish());
        self.ask(request, &path, String::new(), DEADLINE + Duration::from_secs(WAIT)).await
    }

    /// A token that is not `dead`.
    async fn token(&self, dead: Option<&str>) -> Result<String, Trouble> {
        #[derive(Deserialize)]
        struct Issued {
            access_token: String,
        }
        let mut token = self.token.lock().await;
        if let Some(token) = token.as_deref().filter(|token| Some(*token) != dead) {
            return Ok(token.to_owned());
        }
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", self.secret.expose())
            .finish();
        let request = Request::builder()
            .method(Method::POST)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let reply = self.ask(request, "/v1.11/oauth/token", form, DEADLINE).await?;
        let issued: Issued = answered(&reply)?;
        Ok(token.insert(issued.access_token).clone())
    }

    async fn ask(
        &self,
        request: http::request::Builder,
        path: &str,
        body: String,
        deadline: Duration,
    ) -> Result<Reply, Trouble> {
        let reply = self.remote.ask(request, path, body, deadline).await;
        reply.map_err(|error| Trouble::Passing(format!("{error:#}"), None))
    }
}

fn page(reply: &Reply) -> Result<Page, Trouble> {
    let mut page: Page = answered(reply)?;
    page.api_version =
        reply.headers.get("gatepost-api-version").and_then(|value| value.to_str().ok()).map(str::to_owned);
    Ok(page)
}

/// What a good answer says; of any other, what is wrong and what to do about it.
fn answered<'a, T: Deserialize<'a>>(reply: &'a Reply) -> Result<T, Trouble> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Said {
        message: String,
        error_description: String,
        help: String,
    }
    if reply.status.is_success() {
        return serde_json::from_slice(&reply.body).map_err(|error| {
            Trouble::Final(anyhow!("this is not the answer of a Gatepost server ({error}); look at --server"))
        });
    }
    let said: Said = serde_json::from_slice(&reply.body).unwrap_or_default();
    let message = if said.message.is_empty() { said.error_description } else { said.message };
    let text = format!("{}: {message} {}", reply.status.as_u16(), said.help).trim_end().to_owned();
    if reply.status.is_server_error() || reply.status == StatusCode::TOO_MANY_REQUESTS {
        let seconds =
            reply.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        return Err(Trouble::Passing(text, seconds.map(Duration::from_secs)));
    }
    Err(Trouble::Final(anyhow!("the server refuses: {text}")))
}
