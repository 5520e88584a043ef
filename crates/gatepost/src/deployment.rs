//! The composition root: the one place where store, keys, catalog and use cases are put together.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use gatepost_catalog::Catalog;
use gatepost_core::{Gatepost, Parts, Settings};
use gatepost_keys::Keyring;
use gatepost_model::network::Networks;
use gatepost_model::{ClientNumber, Clock, CrashPoints, Random, SystemClock, SystemRandom};
use gatepost_store::copy;
use gatepost_store::handover::{Handed, Handover, handover};
use gatepost_store::tables::clients;
use gatepost_store::{PostgresOptions, Store, StoreError, StoreOptions};
use gatepost_webhook::target::Target;

use crate::config::Config;
use crate::crash;
use crate::data_folder::DataFolder;
use crate::deliver::Internet;
use crate::key_file;

/// Fresh deliveries beyond this wait in the table only: enough that the senders never run dry, little enough that slow
/// receivers do not fill the memory.
const MOST_IN_MEMORY: usize = 4_096;

/// What the process gets from outside: time, randomness, the internet, and its end in a test.
#[derive(Clone)]
pub struct Sources {
    /// Where the present comes from.
    pub clock: Arc<dyn Clock>,
    /// Where random bytes come from.
    pub random: Arc<dyn Random>,
    /// Where webhooks are sent.
    pub internet: Internet,
    /// Who is told of moments at which a crash must lose nothing.
    pub crash_points: Arc<dyn CrashPoints>,
}

impl Sources {
    /// The machine's own.
    #[must_use]
    pub fn of_the_machine() -> Self {
        Self {
            clock: Arc::new(SystemClock::default()),
            random: Arc::new(SystemRandom),
            internet: Internet::default(),
            crash_points: crash::points(),
        }
    }
}

/// What is to be done with the tables when a deployment is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tables {
    /// They are brought to the form that this release needs.
    Migrate,
    /// They are left as they are, for a look at them. No use case but the store's own can be relied on then.
    Leave,
}

/// A deployment that was opened.
pub struct Deployment {
    /// Its use cases.
    pub gatepost: Arc<Gatepost>,
    /// Its keys.
    pub keyring: Arc<Keyring>,
    /// Where fresh deliveries come out, for the senders.
    pub handed: Handed,
}

/// Opens a deployment. The caller holds the data folder's lock.
///
/// # Errors
/// If the database cannot be opened or migrated, or there are no usable keys.
pub async fn open(
    config: &Config,
    folder: &DataFolder,
    sources: &Sources,
    public_url: String,
    tables: Tables,
) -> anyhow::Result<Deployment> {
    let (location, options) = (config.store.location.clone(), store_options(config));
    // It waits for the disk or the server, and others use this thread.
    let opening = tokio::task::spawn_blocking(move || Store::open(&location, options));
    let store = opening
        .await
        .context("opening the database broke off")?
        .with_context(|| format!("the database \"{}\" cannot be opened", config.store.location))?;
    let keyring = match tables {
        Tables::Migrate => {
            store.migrate().await?;
            refuse_unfinished(&store).await?;
            let now = sources.clock.now();
            store.create_days(now, now).await?;
            let has_clients = has_clients(&store).await?;
            key_file::load_or_create(&folder.keys_path(), has_clients, &*sources.random)?
        }
        // Looking at the tables takes no keys, and whether clients need lost ones cannot be told yet.
        Tables::Leave => Keyring::generate(&*sources.random),
    };
    let keyring = Arc::new(keyring);
    let (handover, handed) = handover(MOST_IN_MEMORY);
    let handover = handover.crashing_at(Arc::clone(&sources.crash_points));
    let gatepost = compose(config, store, Arc::clone(&keyring), (handover, sources), public_url);
    Ok(Deployment { gatepost: Arc::new(gatepost), keyring, handed })
}

fn compose(
    config: &Config,
    store: Store,
    keyring: Arc<Keyring>,
    (handover, sources): (Handover, &Sources),
    public_url: String,
) -> Gatepost {
    Gatepost::new(Parts {
        store,
        keyring,
        catalog: Arc::new(Catalog::builtin()),
        clock: Arc::clone(&sources.clock),
        random: Arc::clone(&sources.random),
        settings: Settings {
            public_url,
            requests_per_hour: config.rate_limit.requests_per_hour,
            cached_clients: to_usize(config.store.cached_clients),
            webhook_networks: config.webhooks.allow_networks.clone(),
            retry_schedule: config.webhooks.retry_schedule.clone(),
            lease: config.webhooks.lease,
            feed_bound: config.store.postgres.feed_bound,
            retention: config.retention,
            most_webhook_urls: to_usize(config.webhooks.urls_per_client),
        },
        handover,
        vet_url,
    })
}

/// How a configuration has its store opened.
#[must_use]
pub fn store_options(config: &Config) -> StoreOptions {
    StoreOptions {
        readers: to_usize(config.store.readers),
        point_readers: to_usize(config.server.threads),
        read_deadline: config.store.read_deadline,
        writer_cache_kib: config.store.writer_cache_kib,
        reader_cache_kib: config.store.reader_cache_kib,
        postgres: PostgresOptions {
            writers: to_usize(config.store.postgres.writers),
            readers: to_usize(config.store.postgres.readers),
            connect_timeout: config.store.postgres.connect_timeout,
            answer_timeout: config.store.postgres.answer_timeout,
            ca_file: config.store.postgres.ca_file.clone(),
        },
        ..StoreOptions::default()
    }
}

async fn refuse_unfinished(store: &Store) -> anyhow::Result<()> {
    if store.read(copy::is_unfinished).await? {
        bail!(
            "the database is a copy that was broken off, and not whole: empty it and run `gatepost db copy` again, or use the \
             database that it was made from"
        );
    }
    Ok(())
}

async fn has_clients(store: &Store) -> Result<bool, StoreError> {
    let first = store.read(|tx| clients::list(tx, ClientNumber(0), 1)).await?;
    Ok(!first.is_empty())
}

/// The same judgement when a URL is saved as when it is sent to.
fn vet_url(url: &str, opened: &Networks) -> Result<(), String> {
    Target::parse(url, opened).map(drop).map_err(|error| error.to_string())
}

fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A file of the deployment as a text that leads there from everywhere.
#[must_use]
pub fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::Router;
    use axum::body::Body;
    use gatepost_model::{ManualClock, NoCrash, SeededRandom, Timestamp};
    use gatepost_store::tables::refusals::Refusal;
    use http::{HeaderMap, Request, StatusCode};
    use http_body_util::BodyExt;
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::*;
    use crate::test_folder::TestFolder;

    struct Admin {
        router: Router,
        gatepost: Arc<Gatepost>,
        clock: Arc<ManualClock>,
        _folder: TestFolder,
    }

    impl Admin {
        async fn new() -> Self {
            let place = TestFolder::new();
            let folder = DataFolder::create(place.path()).unwrap();
            let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)));
            let sources = Sources {
                clock: clock.clone(),
                random: Arc::new(SeededRandom::new(1)),
                internet: Internet::default(),
                crash_points: Arc::new(NoCrash),
            };
            let config = Config::from_text("", place.path()).unwrap();
            let opened = open(&config, &folder, &sources, String::new(), Tables::Migrate).await.unwrap();
            let router = gatepost_api::admin::router(Arc::clone(&opened.gatepost));
            Self { router, gatepost: opened.gatepost, clock, _folder: place }
        }

        async fn ask(
            &self,
            verb: &str,
            path: &str,
            if_match: Option<&str>,
            body: Value,
        ) -> (u16, HeaderMap, Value) {
            let mut request = Request::builder().method(verb).uri(format!("/admin/v1{path}"));
            if let Some(tag) = if_match {
                request = request.header("if-match", tag);
            }
            let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
            let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
            let (parts, body) = response.into_parts();
            assert_eq!(parts.headers["cache-control"], "no-store", "{verb} {path}");
            let body = body.collect().await.unwrap().to_bytes();
            (parts.status.as_u16(), parts.headers, serde_json::from_slice(&body).unwrap())
        }
    }

    #[tokio::test]
    async fn p8_a_change_for_another_revision_is_refused() {
        let admin = Admin::new().await;
        let (status, headers, client) = admin.ask("POST", "/clients", None, json!({ "name": "Tool" })).await;
        assert_eq!((status, &headers["etag"]), (201, &"\"1\"".parse().unwrap()));
        let path = format!("/clients/{}", client["id"].as_str().unwrap());
        let named = |name: &str| json!({ "name": name });
        let (status, headers, _) = admin.ask("PATCH", &path, Some("\"1\""), named("First")).await;
        assert_eq!((status, &headers["etag"]), (200, &"\"2\"".parse().unwrap()));
        assert_eq!(admin.ask("PATCH", &path, Some("\"1\""), named("Second")).await.0, 409);
        assert_eq!(admin.ask("PATCH", &path, Some("nonsense"), named("Second")).await.0, 400);
        let both = json!({ "name": "Second", "revision": 2 });
        assert_eq!(admin.ask("PATCH", &path, Some("\"1\""), both.clone()).await.0, 400);
        assert_eq!(admin.ask("PATCH", &path, Some("*"), both).await.2["name"], "Second");
    }

    #[tokio::test]
    async fn bad_requests_are_explained_and_nothing_is_done() {
        let admin = Admin::new().await;
        for (verb, path, body, wanted) in [
            ("POST", "/clients", json!({}), "name: is missing"),
            ("POST", "/clients", json!({ "name": "x", "nmae": 1 }), "unknown member \"nmae\""),
            (
                "POST",
                "/clients",
                json!({ "name": "x", "tokenLifetime": "73h" }),
                "tokenLifetime: must be from 1 minute",
            ),
            ("POST", "/clients", json!({ "name": "x", "methods": ["task.fly"] }), "methods: "),
            ("POST", "/clients", json!({ "name": "x", "webhookUrls": ["ftp://x"] }), "webhookUrls: "),
            ("POST", "/workspaces", json!({ "subdomain": "A B" }), "subdomain: "),
            ("POST", "/backup", json!({ "path": "here.db" }), "path: must be absolute"),
            ("GET", "/deliveries?state=lost", Value::Null, "state: \"lost\" is no state"),
            ("GET", "/deliveries?limit=0", Value::Null, "limit: must be from 1 to 1000"),
            ("GET", "/audit?sort=up", Value::Null, "unknown field `sort`"),
        ] {
            let (status, _, answer) = admin.ask(verb, path, None, body).await;
            let message = answer["message"].as_str().unwrap();
            assert!(status == 400 && message.contains(wanted), "{verb} {path}: {status} {message}");
        }
        assert_eq!(admin.ask("GET", "/clients", None, Value::Null).await.2, json!([]));
        assert_eq!(admin.ask("GET", "/nothing", None, Value::Null).await.0, 404);
        assert_eq!(admin.ask("DELETE", "/workspaces", None, Value::Null).await.0, 405);
    }

    #[tokio::test]
    async fn lists_go_on_after_the_last_of_the_page_before() {
        let admin = Admin::new().await;
        for name in ["a", "b", "c"] {
            admin.ask("POST", "/clients", None, json!({ "name": name })).await;
            admin.clock.advance(Duration::from_secs(1));
        }
        let first = admin.ask("GET", "/clients?limit=2", None, Value::Null).await.2;
        assert_eq!((&first[0]["name"], &first[1]["name"]), (&json!("a"), &json!("b")));
        let next = format!("/clients?limit=2&after={}", first[1]["id"].as_str().unwrap());
        let second = admin.ask("GET", &next, None, Value::Null).await.2;
        assert_eq!((&second[0]["name"], second.as_array().unwrap().len()), (&json!("c"), 1));
        let newest = admin.ask("GET", "/audit?limit=1", None, Value::Null).await.2;
        assert_eq!(newest[0]["after"]["name"], "c");
        let before = format!("/audit?before={}", newest[0]["id"].as_str().unwrap());
        assert_eq!(admin.ask("GET", &before, None, Value::Null).await.2.as_array().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_refused_request_is_explained_with_the_true_reason() {
        let admin = Admin::new().await;
        let client = admin.ask("POST", "/clients", None, json!({ "name": "Tool" })).await.2;
        admin.gatepost.note_refusal(Refusal {
            id: String::from("req_1"),
            at: admin.gatepost.now(),
            client: Some(ClientNumber(1)),
            workspace: Some(String::from("shop")),
            verb: String::from("GET"),
            path: String::from("/tasks"),
            status: 401,
            refused_by: String::from("client"),
            detail: String::from("the client is disabled"),
            address: String::from("192.0.2.1"),
        });
        admin.gatepost.flush_journal().await.unwrap();
        let (status, _, refusal) = admin.ask("GET", "/requests/req_1", None, Value::Null).await;
        assert_eq!(status, StatusCode::OK.as_u16());
        assert_eq!(
            (&refusal["client"], &refusal["detail"]),
            (&client["id"], &json!("the client is disabled"))
        );
        assert_eq!(admin.ask("GET", "/requests/req_2", None, Value::Null).await.0, 404);
    }
}
