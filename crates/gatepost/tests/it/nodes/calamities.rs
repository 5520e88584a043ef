//! What happens to nodes, to the database, and to the network between them.

use std::time::Duration;

use gatepost_testkit::postgres::Postgres;
use gatepost_testkit::{Cluster, Traffic};
use tokio::task::block_in_place;
use tokio::time::Instant;

use super::pace::lasts;

/// As long as nodes hold deliveries in these tests.
pub(super) const LEASE: Duration = Duration::from_secs(8);

/// A kind of calamity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A node is killed and started again.
    Kill,
    /// A node is told to stop and started again.
    Terminate,
    /// A node stands still for a moment.
    Freeze,
    /// A node stands still for longer than its leases hold.
    FreezePastLease,
    /// PostgreSQL crashes and is started again.
    DatabaseCrash,
    /// PostgreSQL crashes, a node is killed meanwhile, and both are started again.
    Both,
    /// A node's connections to PostgreSQL are cut.
    Cut,
    /// Nothing passes between a node and PostgreSQL for a while.
    Stall,
}

impl Kind {
    pub(super) const ALL: [Self; 8] = [
        Self::Kill,
        Self::Terminate,
        Self::Freeze,
        Self::FreezePastLease,
        Self::DatabaseCrash,
        Self::Both,
        Self::Cut,
        Self::Stall,
    ];
}

/// One that happened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calamity {
    pub(super) kind: Kind,
    pub(super) began: Instant,
    pub(super) ended: Instant,
}

/// Lets it happen, to this node if it happens to one, and repairs what can only be repaired from outside.
pub(super) async fn strike(kind: Kind, cluster: &mut Cluster, postgres: &Postgres, place: usize) -> Calamity {
    let began = Instant::now();
    let node = &mut cluster.nodes[place];
    match kind {
        Kind::Kill => {
            node.kill().await;
            node.restart().await;
        }
        Kind::Terminate => {
            assert!(node.terminate().await.success(), "{}", node.log());
            node.restart().await;
        }
        Kind::Freeze => {
            node.signal("STOP").await;
            lasts(Duration::from_millis(1_500)).await;
            node.signal("CONT").await;
        }
        Kind::FreezePastLease => {
            node.signal("STOP").await;
            lasts(LEASE + Duration::from_secs(2)).await;
            node.signal("CONT").await;
        }
        Kind::DatabaseCrash => {
            block_in_place(|| postgres.stop("immediate"));
            lasts(Duration::from_secs(1)).await;
            block_in_place(|| postgres.run());
        }
        Kind::Both => {
            block_in_place(|| postgres.stop("immediate"));
            node.kill().await;
            block_in_place(|| postgres.run());
            node.restart().await;
        }
        Kind::Cut => cluster.links[place].cut(),
        Kind::Stall => {
            cluster.links[place].set(Traffic::Stalls);
            lasts(Duration::from_secs(3)).await;
            cluster.links[place].set(Traffic::Flows);
        }
    }
    Calamity { kind, began, ended: Instant::now() }
}
