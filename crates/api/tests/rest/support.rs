//! A deployment with one workspace and one client, and requests to its REST API.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::body::Body;
use gatepost_api::rest;
use gatepost_catalog::Catalog;
use gatepost_core::clients::NewClient;
use gatepost_core::{Actor, Gatepost, Parts, Settings};
use gatepost_keys::Keyring;
use gatepost_model::{ManualClock, SeededRandom, Timestamp};
use gatepost_store::handover::handover;
use gatepost_store::{Location, PostgresUrl, Store, StoreOptions};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;

use crate::postgres;

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An answer, its body read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The JSON of an answer with this status.
    pub(crate) fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.headers["content-type"], "application/json; charset=utf-8");
        assert_eq!(self.headers["access-control-allow-origin"], "*");
        serde_json::from_str(&self.text).unwrap()
    }

    /// Expects a refusal of the form of contract.md E, and gives its message.
    pub(crate) fn refused(&self, status: u16) -> String {
        let problem = self.json(status);
        assert_eq!(problem["code"], status);
        problem["message"].as_str().unwrap().to_owned()
    }
}

pub(crate) struct Server {
    pub(crate) gatepost: Arc<Gatepost>,
    token: String,
    _folder: Folder,
}

impl Server {
    pub(crate) async fn new() -> Self {
        Self::with_rate_limit(None).await
    }

    pub(crate) async fn with_rate_limit(rate_limit: Option<u32>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("gatepost-api-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = Folder(std::env::temp_dir().join(name));
        std::fs::create_dir(&folder.0).unwrap();
        let location = postgres::chosen()
            .map(|server| Location::Postgres(PostgresUrl::new(server.schema())))
            .unwrap_or_else(|| Location::Sqlite(folder.0.join("data.db")));
        let store = Store::open(&location, StoreOptions::default()).unwrap();
        store.migrate().await.unwrap();
        let random = Arc::new(SeededRandom::new(7));
        let gatepost = Arc::new(Gatepost::new(Parts {
            store,
            keyring: Arc::new(Keyring::generate(&*random)),
            catalog: Arc::new(Catalog::builtin()),
            clock: Arc::new(ManualClock::new(Timestamp::from_seconds(1_790_000_000))),
            random,
            settings: Settings::default(),
            handover: handover(100).0,
            vet_url: |_, _| Ok(()),
        }));
        gatepost.create_workspace(&Actor::Cli, "shop", "The shop").await.unwrap();
        let client =
            NewClient { workspaces: vec![String::from("shop")], rate_limit, ..NewClient::named("tool") };
        let client = gatepost.create_client(&Actor::Cli, client).await.unwrap().client;
        let token = gatepost.issue_token_for(&client.id).await.unwrap().token.expose().to_owned();
        Self { gatepost, token, _folder: folder }
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = rest::handle(Arc::clone(&self.gatepost), request).await.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// Sends a request that the gate lets in.
    pub(crate) async fn call(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.token))
            .header("business", "shop");
        self.send(request.body(body.into()).unwrap()).await
    }

    /// Makes a record and gives its id.
    pub(crate) async fn create(&self, path: &str, body: Value) -> String {
        let created = self.call("POST", path, body.to_string()).await.json(200);
        created["_id"].as_str().unwrap().to_owned()
    }
}
