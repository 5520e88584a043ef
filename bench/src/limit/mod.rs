//! The limits: what the parts that the product is made of can do without it. A server in a process of its own, on the
//! core that the product otherwise has, so that both are measured alike.

mod posts;
mod rows;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::{ListenerExt, serve as serve_http};
use axum::{Form, Router};
use bytes::Bytes;
use gatepost_keys::Keyring;
use gatepost_model::{ClientNumber, Clock, SystemClock, SystemRandom};
use http::{StatusCode, header};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::limit::posts::Posts;
use crate::limit::rows::Rows;

/// A form POST that is answered with a freshly minted token.
pub(crate) const MINT: &str = "/mint";
/// A POST whose body is checked to be JSON and given back.
pub(crate) const POST: &str = "/post";
/// A GET that is answered with the bytes of that number, as the product answered them.
pub(crate) const BYTES: &str = "/bytes";
/// An errand: rows as the product stores them, in large transactions.
pub(crate) const ROWS: &str = "/rows";
/// An errand: signed POSTs to the receiver.
pub(crate) const POSTS: &str = "/posts";

/// In the server's folder: a JSON array of the texts that [`BYTES`] serves; the first is also what is stored and sent.
pub(crate) const TEXTS: &str = "texts.json";

/// Something that the server does by itself for a while; the answer is how often.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Errand {
    pub(crate) millis: u64,
    /// Spread over so many workspaces.
    pub(crate) workspaces: usize,
    /// Delivery rows for each event.
    pub(crate) urls: usize,
    /// Whether each delivery is recorded as delivered, too.
    pub(crate) recorded: bool,
}

impl Errand {
    fn time(self) -> Duration {
        Duration::from_millis(self.millis)
    }

    /// The request's path for `route`.
    pub(crate) fn path(self, route: &str) -> String {
        let Self { millis, workspaces, urls, recorded } = self;
        format!("{route}?millis={millis}&workspaces={workspaces}&urls={urls}&recorded={recorded}")
    }
}

/// What the routes share.
#[derive(Clone)]
struct Parts {
    keyring: Arc<Keyring>,
    clock: Arc<SystemClock>,
    rows: Arc<Rows>,
    posts: Arc<Posts>,
}

/// Serves the limits until the process is ended.
pub(crate) async fn serve(listen: SocketAddr, folder: &Path, receiver: SocketAddr) -> Result<()> {
    let texts = std::fs::read_to_string(folder.join(TEXTS)).context("there are no texts to serve")?;
    let texts: Vec<String> = serde_json::from_str(&texts)?;
    let body = texts.first().cloned().unwrap_or_default();
    let parts = Parts {
        keyring: Arc::new(Keyring::generate(&SystemRandom)),
        clock: Arc::default(),
        rows: Arc::new(Rows::open(folder, &body).await?),
        posts: Arc::new(Posts::new(receiver, &body)?),
    };
    let mut router = Router::new()
        .route(MINT, post(mint))
        .route(POST, post(give_back))
        .route(ROWS, get(rows))
        .route(POSTS, get(posts));
    for (number, text) in texts.into_iter().enumerate() {
        let text = Bytes::from(text);
        router = router
            .route(&format!("{BYTES}/{number}"), get(move || async move { json(StatusCode::OK, text) }));
    }
    let listener = TcpListener::bind(listen).await?;
    // As the product does: without it, small answers wait for the peer's delayed acknowledgement.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    serve_http(listener, router.with_state(parts)).await?;
    Ok(())
}

fn json(status: StatusCode, body: Bytes) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

#[derive(Deserialize)]
struct Credentials {
    grant_type: String,
    client_id: String,
    client_secret: String,
}

async fn mint(State(parts): State<Parts>, Form(form): Form<Credentials>) -> Response {
    let Credentials { grant_type, client_id, client_secret } = form;
    if grant_type != "client_credentials" || client_id.is_empty() || client_secret.is_empty() {
        return StatusCode::BAD_REQUEST.into_response();
    }
    const LIFETIME: Duration = Duration::from_secs(72 * 3_600);
    let (token, _) = parts.keyring.mint(ClientNumber(1), 1, parts.clock.now(), LIFETIME, &SystemRandom);
    let body = format!(
        r#"{{"access_token":"{}","token_type":"Bearer","expires_in":{}}}"#,
        token.expose(),
        LIFETIME.as_secs()
    );
    json(StatusCode::OK, body.into())
}

async fn give_back(body: Bytes) -> Response {
    match serde_json::from_slice::<IgnoredAny>(&body) {
        Ok(_) => json(StatusCode::OK, body),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

async fn rows(State(parts): State<Parts>, Query(errand): Query<Errand>) -> Response {
    count(parts.rows.run(errand).await.map_err(Into::into))
}

async fn posts(State(parts): State<Parts>, Query(errand): Query<Errand>) -> Response {
    count(parts.posts.run(errand.time()).await)
}

/// The errand's answer; what went wrong is for the bench's user to read.
fn count(done: Result<u64>) -> Response {
    match done {
        Ok(done) => done.to_string().into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response(),
    }
}
