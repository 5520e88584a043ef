//! The real server, in this process, on a random port and in a folder of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gatepost::{Config, DataFolder, Internet, Running, Sources};
use gatepost_core::clients::NewClient;
use gatepost_core::{Actor, Gatepost};
use gatepost_model::{Clock, ManualClock, NoCrash, SystemClock, SystemRandom, Timestamp, Workspace};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::cli::Cli;
use crate::engine::Database;
use crate::folder::Folder;
use crate::http::{Answer, Http};

/// What every test server is told, besides what the test says: receivers on this machine may be sent to, and a failed
/// delivery is tried again soon.
const SERVER: &str = "[server]\nlisten = \"127.0.0.1:0\"\n";
const PUBLIC_URL: &str = "http://gatepost.test";
const WEBHOOKS: &str = "[webhooks]\nallow_networks = [\"127.0.0.0/8\"]\n";

/// How a server is to be.
pub struct Builder {
    config: String,
    server: String,
    public_url: String,
    webhooks: String,
    clock: Option<Arc<ManualClock>>,
    internet: Internet,
}

impl Builder {
    /// Adds sections to the configuration, as TOML.
    #[must_use]
    pub fn config(mut self, toml: &str) -> Self {
        self.config.push_str(toml);
        self.config.push('\n');
        self
    }

    /// Adds lines to the section about the server.
    #[must_use]
    pub fn server(mut self, toml: &str) -> Self {
        self.server.push_str(toml);
        self.server.push('\n');
        self
    }

    /// Sets the address as callers know it: the issuer.
    #[must_use]
    pub fn public_url(mut self, url: &str) -> Self {
        url.clone_into(&mut self.public_url);
        self
    }

    /// Sets the pauses between tries, as a TOML list.
    #[must_use]
    pub fn retries(mut self, list: &str) -> Self {
        self.webhooks = format!("{WEBHOOKS}retry_schedule = {list}\n");
        self
    }

    /// Sets after how long a webhook URL is disabled that takes nothing.
    #[must_use]
    pub fn disable_after(mut self, time: &str) -> Self {
        self.webhooks = format!("{}disable_after = \"{time}\"\n", self.webhooks);
        self
    }

    /// Opens no network to webhooks, as in a deployment whose operator has not touched that.
    #[must_use]
    pub fn with_closed_networks(mut self) -> Self {
        self.webhooks.clear();
        self
    }

    /// Gives it an internet of its own.
    #[must_use]
    pub fn internet(mut self, internet: Internet) -> Self {
        self.internet = internet;
        self
    }

    /// Gives it a clock that stands still at this time until it is told to move.
    #[must_use]
    pub fn clock_at(mut self, start: Timestamp) -> Self {
        self.clock = Some(Arc::new(ManualClock::new(start)));
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(self) -> App {
        let (folder, database) = (Folder::new(), Database::new());
        let Self { config, server, public_url, webhooks, .. } = &self;
        let config = format!("{SERVER}public_url = \"{public_url}\"\n{server}{webhooks}{config}");
        let clock: Arc<dyn Clock> = match &self.clock {
            Some(clock) => Arc::clone(clock) as Arc<dyn Clock>,
            None => Arc::new(SystemClock::default()),
        };
        let sources = Sources {
            clock,
            random: Arc::new(SystemRandom),
            internet: self.internet,
            crash_points: Arc::new(NoCrash),
        };
        let running = start(&folder, &config, &database, &sources).await;
        let http = Http::new(format!("http://{}", running.address()));
        App { running: Some(running), folder, database, config, sources, manual: self.clock, http }
    }
}

#[expect(clippy::expect_used, reason = "a test without its server cannot go on")]
async fn start(folder: &Folder, config: &str, database: &Database, sources: &Sources) -> Running {
    let data = DataFolder::create(&folder.path().join("data")).expect("the data folder");
    let mut config = Config::from_text(config, data.path()).expect("the configuration");
    config.store.location = database.location(config.store.location);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    gatepost::serve(&config, &data, sources.clone(), listener).await.expect("the server starts")
}

/// A server that runs.
pub struct App {
    running: Option<Running>,
    folder: Folder,
    database: Database,
    config: String,
    sources: Sources,
    manual: Option<Arc<ManualClock>>,
    /// Speaks to it.
    pub http: Http,
}

/// An API client, as its owner holds it.
#[derive(Clone, Debug)]
pub struct TestClient {
    /// `cli_…`
    pub id: String,
    /// `gpc_…`
    pub client_id: String,
    /// `gps_…`
    pub secret: String,
    /// The signing key of each webhook URL, in their order.
    pub signing_keys: Vec<String>,
}

impl App {
    /// A server with default settings.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// A server that is yet to be described.
    #[must_use]
    pub fn builder() -> Builder {
        Builder {
            config: String::new(),
            server: String::new(),
            public_url: PUBLIC_URL.to_owned(),
            webhooks: WEBHOOKS.to_owned(),
            clock: None,
            internet: Internet::default(),
        }
    }

    /// The use cases.
    ///
    /// # Panics
    /// If the server is stopped.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test of a stopped server asks nothing of it")]
    pub fn gatepost(&self) -> &Arc<Gatepost> {
        self.running.as_ref().expect("the server runs").gatepost()
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The program at `program` as the command line of this deployment.
    #[must_use]
    pub fn cli(&self, program: impl Into<PathBuf>) -> Cli {
        Cli::of(program, self.data(), self.database.clone())
    }

    /// The socket of the admin API.
    ///
    /// # Panics
    /// If the server is stopped.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test of a stopped server asks nothing of it")]
    pub fn admin_socket(&self) -> &Path {
        self.running.as_ref().expect("the server runs").admin_socket()
    }

    /// Moves a clock that was set with [`Builder::clock_at`].
    ///
    /// # Panics
    /// If the server has the machine's clock.
    #[expect(clippy::expect_used, reason = "only tests that asked for such a clock move it")]
    pub fn advance(&self, by: Duration) {
        self.manual.as_ref().expect("a clock that can be moved").advance(by);
    }

    /// Sets such a clock, backwards too.
    ///
    /// # Panics
    /// If the server has the machine's clock.
    #[expect(clippy::expect_used, reason = "only tests that asked for such a clock move it")]
    pub fn set_clock(&self, now: Timestamp) {
        self.manual.as_ref().expect("a clock that can be moved").set(now);
    }

    /// Stops the server and starts it again on the same folder. Its address changes.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn restart(&mut self) {
        if let Some(running) = self.running.take() {
            running.shutdown().await;
        }
        let running = start(&self.folder, &self.config, &self.database, &self.sources).await;
        self.http = Http::new(format!("http://{}", running.address()));
        self.running = Some(running);
    }

    /// Stops the server; its folder stays until this is dropped.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.shutdown().await;
        }
    }

    /// Makes a workspace.
    ///
    /// # Panics
    /// If it cannot be made.
    #[expect(clippy::expect_used, reason = "a test without its workspace cannot go on")]
    pub async fn workspace(&self, subdomain: &str) -> Workspace {
        self.gatepost().create_workspace(&Actor::Cli, subdomain, subdomain).await.expect("the workspace")
    }

    /// Makes a client.
    ///
    /// # Panics
    /// If it cannot be made.
    #[expect(clippy::expect_used, reason = "a test without its client cannot go on")]
    pub async fn client(&self, new: NewClient) -> TestClient {
        let made = self.gatepost().create_client(&Actor::Cli, new).await.expect("the client");
        TestClient {
            id: made.client.id,
            client_id: made.client.client_id,
            secret: made.secret.map(|secret| secret.expose().to_owned()).unwrap_or_default(),
            signing_keys: made.signing_keys.into_iter().map(|(_, key)| key.expose().to_owned()).collect(),
        }
    }

    /// Asks for a token, and gives the whole answer.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn ask_token(&self, client_id: &str, secret: &str) -> Answer {
        let form = format!("grant_type=client_credentials&client_id={client_id}&client_secret={secret}");
        self.http.post_form("/oauth/token", &form).await
    }

    /// A token of the client.
    ///
    /// # Panics
    /// If it gets none.
    pub async fn token(&self, client: &TestClient) -> String {
        let answer = self.ask_token(&client.client_id, &client.secret).await.expect(200);
        answer.json()["access_token"].as_str().unwrap_or_default().to_owned()
    }

    /// Calls the REST API.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        token: &str,
        business: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        let authorization = format!("Bearer {token}");
        let mut headers = vec![("authorization", authorization.as_str())];
        headers.extend(business.map(|name| ("business", name)));
        let body = match body {
            Some(body) => {
                headers.push(("content-type", "application/json"));
                body.to_string()
            }
            None => String::new(),
        };
        self.http.send(method, path, &headers, body).await
    }
}
