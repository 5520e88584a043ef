//! A deployment in a folder of its own, whose time and randomness the test decides.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use gatepost_catalog::{Catalog, Entity};
use gatepost_core::clients::NewClient;
use gatepost_core::{Actor, Gatepost, Parts, Settings};
use gatepost_keys::Keyring;
use gatepost_model::webhook::Delivery;
use gatepost_model::{ApiClient, ManualClock, SeededRandom, Timestamp, Workspace};
use gatepost_store::handover::{Handed, handover};
use gatepost_store::tables::Page;
use gatepost_store::tables::deliveries::Claimed;
use gatepost_store::tables::delivery_list::{self, Filter};
use gatepost_store::{Location, PostgresUrl, Store, StoreOptions};

use crate::postgres;

/// When every test begins.
pub(crate) const START: Timestamp = Timestamp::from_seconds(1_790_000_000);

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("gatepost-core-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Two that are made the same way, and are asked for the same, make the same ids.
pub(crate) struct Deployment {
    pub(crate) gatepost: Arc<Gatepost>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) handed: Handed,
    _folder: Folder,
}

impl Deployment {
    pub(crate) async fn new() -> Self {
        Self::with_room(1_000).await
    }

    /// A deployment that has `room` fresh deliveries in memory at most.
    pub(crate) async fn with_room(room: usize) -> Self {
        let folder = Folder::new();
        let location = Location::Sqlite(folder.0.join("data.db"));
        Self::at(&location, folder, room).await
    }

    /// A deployment on PostgreSQL; none, after saying so, where that is not installed.
    pub(crate) async fn on_postgres() -> Option<Self> {
        let location = Location::Postgres(PostgresUrl::new(postgres::shared()?.schema()));
        Some(Self::at(&location, Folder::new(), 1_000).await)
    }

    async fn at(location: &Location, folder: Folder, room: usize) -> Self {
        let store = Store::open(location, StoreOptions::default()).unwrap();
        store.migrate().await.unwrap();
        let random = Arc::new(SeededRandom::new(7));
        let clock = Arc::new(ManualClock::new(START));
        let (handover, handed) = handover(room);
        let gatepost = Gatepost::new(Parts {
            store,
            keyring: Arc::new(Keyring::generate(&*random)),
            catalog: Arc::new(Catalog::builtin()),
            clock: clock.clone(),
            random,
            settings: Settings::default(),
            handover,
            vet_url: |_, _| Ok(()),
        });
        Self { gatepost: Arc::new(gatepost), clock, handed, _folder: folder }
    }

    pub(crate) fn entity(&self, path: &str) -> &Entity {
        self.gatepost.catalog().lookup_path(path).unwrap()
    }

    pub(crate) async fn workspace(&self, subdomain: &str) -> Workspace {
        self.gatepost.create_workspace(&Actor::Cli, subdomain, subdomain).await.unwrap()
    }

    /// A client that is enabled for `workspace`, has `methods` ticked, and gets them at `urls` URLs.
    pub(crate) async fn client(&self, workspace: &Workspace, methods: &[&str], urls: usize) -> ApiClient {
        let new = NewClient {
            workspaces: vec![workspace.subdomain.as_str().to_owned()],
            webhook_urls: (0..urls).map(|number| format!("https://receiver.example/{number}")).collect(),
            methods: methods.iter().copied().map(str::to_owned).collect(),
            ..NewClient::named("tool")
        };
        self.gatepost.create_client(&Actor::Cli, new).await.unwrap().client
    }

    /// Every delivery in the table, newest first.
    pub(crate) async fn deliveries(&self) -> Vec<Delivery> {
        let page = Page { before: None, limit: 10_000 };
        self.gatepost
            .store()
            .read(move |tx| delivery_list::list(tx, &Filter::default(), None, &page))
            .await
            .unwrap()
    }

    /// What was handed over to the senders since the last call.
    pub(crate) fn handed_over(&mut self) -> Vec<Claimed> {
        std::iter::from_fn(|| self.handed.fresh.try_recv().ok()).collect()
    }

    /// Whether the senders were told to look at the table.
    pub(crate) fn was_told_to_look(&self) -> bool {
        use std::task::{Context, Poll, Waker};
        let mut told = std::pin::pin!(self.handed.look.notified());
        told.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }
}
