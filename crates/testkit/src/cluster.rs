//! Several nodes on one PostgreSQL, each the built program in a process of its own.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::app::TestClient;
use crate::cli::Cli;
use crate::engine::Database;
use crate::folder::Folder;
use crate::http::Http;
use crate::postgres::Postgres;
use crate::process::Process;
use crate::proxy::Proxy;

/// Nodes with the same keys, each with a data folder and a port of its own.
pub struct Cluster {
    /// The nodes.
    pub nodes: Vec<Process>,
    /// Each node's way to the database, in their order.
    pub links: Vec<Proxy>,
    metrics: Vec<Http>,
    database: String,
}

/// Whether there is a proxy between a node and its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// There is, and it can be told to fail.
    Proxied,
    /// There is not, for measurements.
    Direct,
}

impl Cluster {
    /// Starts `count` nodes of the program in a new schema of this server, each behind a proxy. `webhooks` is added to
    /// that section of their configuration and may go on with others, but not with `[server]`.
    ///
    /// # Panics
    /// If one does not start.
    pub async fn start(postgres: &Postgres, program: &Path, count: usize, webhooks: &str) -> Self {
        Self::start_by(postgres, program, (count, Way::Proxied), webhooks).await
    }

    /// Starts them on this way to the database.
    ///
    /// # Panics
    /// If one does not start.
    pub async fn start_by(
        postgres: &Postgres,
        program: &Path,
        (count, way): (usize, Way),
        webhooks: &str,
    ) -> Self {
        Self::start_at(&postgres.schema(), program, (count, way), webhooks).await
    }

    /// Starts them on the database with this address.
    ///
    /// # Panics
    /// If one does not start.
    pub async fn start_at(address: &str, program: &Path, (count, way): (usize, Way), webhooks: &str) -> Self {
        let programs = vec![program.to_owned(); count];
        Self::start_each(address, &programs, way, webhooks).await
    }

    /// Starts a node of each program on the database with this address.
    ///
    /// # Panics
    /// If one does not start.
    pub async fn start_each(address: &str, programs: &[PathBuf], way: Way, webhooks: &str) -> Self {
        let mut cluster =
            Self { nodes: Vec::new(), links: Vec::new(), metrics: Vec::new(), database: address.to_owned() };
        for program in programs {
            cluster.add(program, address, way, webhooks).await;
        }
        cluster
    }

    /// The address of the database, past the proxies.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// A figure from a node's metrics, by its name with its labels.
    ///
    /// # Panics
    /// If there is none.
    #[expect(clippy::panic, reason = "a test without its figure cannot go on")]
    pub async fn metric(&self, node: usize, name: &str) -> f64 {
        let text = self.metrics(node).await;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or_else(|| panic!("there is no {name} in:\n{text}"))
    }

    /// A node's metrics, as whoever watches it reads them.
    ///
    /// # Panics
    /// If it tells none.
    pub async fn metrics(&self, node: usize) -> String {
        self.metrics[node].get("/metrics", &[]).await.expect(200).text()
    }

    /// Makes a workspace and a client that is enabled for it, by the command line of the first node.
    ///
    /// # Panics
    /// If they cannot be made.
    pub async fn client(&self, workspace: &str, urls: &[String], methods: &str) -> TestClient {
        self.nodes[0].workspace(workspace).await;
        self.nodes[0].client(workspace, workspace, urls, methods).await
    }

    #[expect(clippy::expect_used, reason = "a test without its nodes cannot go on")]
    async fn add(&mut self, program: &Path, database: &str, way: Way, webhooks: &str) {
        let server = server_of(database);
        let database = match way {
            Way::Direct => database.to_owned(),
            Way::Proxied => {
                let proxy = Proxy::start(server.parse().expect("the address of a server")).await;
                let database = database.replacen(server, &proxy.address().to_string(), 1);
                self.links.push(proxy);
                database
            }
        };
        let folder = Folder::new();
        let data = folder.path().join("data");
        if let Some(first) = self.nodes.first() {
            copy_keys(first.cli().data(), &data).expect("the keys can be copied");
        }
        let metrics = free_address().expect("a free port");
        let cli = Cli::of(PathBuf::from(program), data, Database::at(database));
        let config = format!("{webhooks}\n[server]\nmetrics_listen = \"{metrics}\"");
        self.nodes.push(Process::start_with(cli, folder, &config).await);
        self.metrics.push(Http::new(format!("http://{metrics}")));
    }
}

/// Host and port in the address of a database.
fn server_of(database: &str) -> &str {
    let after = database.split_once('@').map_or(database, |(_, after)| after);
    after.split('/').next().unwrap_or_default()
}

fn copy_keys(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(to)?;
    fs::copy(from.join("keys.toml"), to.join("keys.toml")).map(drop)
}

fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}
