//! Several nodes on one PostgreSQL: what holds over all of them, and what holds while nodes, the database and the network
//! between them fail. Every node is the built program in a process of its own.
//!
//! They need PostgreSQL whatever the run is about, so the run on the other engine leaves them out.

mod accounts;
mod away;
mod calamities;
mod chaos;
mod clocks;
mod disks;
mod failover;
mod feed;
mod in_force;
mod limits;
mod metrics;
mod network;
mod pace;
mod takeover;
mod throughput;
mod traffic;

use std::path::{Path, PathBuf};
use std::time::Duration;

use gatepost_testkit::engine::Engine;
use gatepost_testkit::postgres::{self, Postgres};
use gatepost_testkit::{Api, Cluster, Process, TestClient};
use tokio::time::{Instant, timeout};

/// Nothing that is waited for takes longer.
const DEADLINE: Duration = Duration::from_secs(30);

/// Several clusters share a server in these tests: they must leave each other connections.
const FEW_CONNECTIONS: &str = "[store]\npostgres_readers = 2";

/// The built program; for measurements another build of it can be named.
fn program() -> PathBuf {
    std::env::var_os("GATEPOST_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_gatepost").into(), PathBuf::from)
}

/// The server that tests share which do it no harm; none if this run leaves them out.
fn shared_postgres() -> Option<&'static Postgres> {
    if is_left_out() { None } else { postgres::shared() }
}

/// A server that may be done harm.
fn own_postgres(settings: &[&str]) -> Option<Postgres> {
    if is_left_out() { None } else { Postgres::start(settings) }
}

fn is_left_out() -> bool {
    let is_other = Engine::chosen() == Engine::Postgres;
    if is_other {
        println!("skipped: it is on PostgreSQL in the run on SQLite too");
    }
    is_other
}

async fn cluster(postgres: &Postgres, count: usize, webhooks: &str) -> Cluster {
    Cluster::start(postgres, Path::new(&program()), count, &format!("{webhooks}\n{FEW_CONNECTIONS}")).await
}

/// Tools with the same token, one at each node.
async fn at_each_node(cluster: &Cluster, client: &TestClient, workspace: &str) -> Vec<Api> {
    let token = cluster.nodes[0].token(client).await;
    cluster.nodes.iter().map(|node| Api::new(node.http.clone(), &token, workspace)).collect()
}

/// The status of a request for a token.
async fn asked_token(node: &Process, client: &TestClient) -> u16 {
    let TestClient { client_id, secret, .. } = client;
    let form = format!("grant_type=client_credentials&client_id={client_id}&client_secret={secret}");
    node.http.post_form("/oauth/token", &form).await.status
}

/// Asks again and again until it is so, and tells how long that took.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) -> Duration {
    let began = Instant::now();
    let asking = async { while !is_so().await {} };
    assert!(timeout(DEADLINE, asking).await.is_ok(), "{what}: not within {DEADLINE:?}");
    began.elapsed()
}
