//! `GET /metrics`: what a node has done since it started, in the text form that Prometheus reads (version 0.0.4).
//!
//! Labels come from short lists in the code: nothing names a client, a workspace or an address, so their number is bound
//! and whoever may see them learns nothing of anybody.
//!
//! To add one: a line in `text`, whose help says what it counts and in which unit.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use gatepost_core::Gatepost;
use gatepost_core::backlog::Backlog;
use gatepost_http::RequestCounts;
use http::header;
use tokio::time::timeout;

/// A database that takes longer is told nothing of: whoever watches must hear of the rest.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where the figures come from.
#[derive(Clone)]
pub struct Gauges {
    /// The use cases, and through them the store.
    pub gatepost: Arc<Gatepost>,
    /// Requests of the public listener.
    pub requests: Arc<RequestCounts>,
    /// What this node's senders do.
    pub senders: Arc<dyn Senders>,
}

/// What this node's senders do, who are above this crate.
pub trait Senders: Send + Sync + 'static {
    /// Tries of deliveries by their outcome.
    fn by_outcome(&self) -> Vec<(&'static str, u64)>;

    /// How many tries are on the wire.
    fn on_the_wire(&self) -> usize;

    /// How long each phase of a delivery took.
    fn by_phase(&self) -> Vec<Phase>;
}

/// How long one phase of many deliveries took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// `waiting` or `sending`.
    pub name: &'static str,
    /// For each bound, how many took no longer.
    pub within: Vec<(Duration, u64)>,
    /// How many there were.
    pub count: u64,
    /// How long all of them took together.
    pub sum: Duration,
}

/// The one call. It says nothing secret, but is for the operator only.
pub fn router(gauges: Gauges) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(gauges)
}

async fn metrics(State(gauges): State<Gauges>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let backlog = timeout(PATIENCE, gauges.gatepost.backlog()).await;
    (headers, text(&gauges, backlog.ok().and_then(Result::ok))).into_response()
}

fn text(gauges: &Gauges, backlog: Option<Backlog>) -> String {
    let mut page = Page(String::with_capacity(8 * 1024));
    requests(&mut page, gauges);
    deliveries(&mut page, gauges);
    if let Some(backlog) = backlog {
        waiting(&mut page, backlog);
    }
    store(&mut page, &gauges.gatepost);
    feed(&mut page, &gauges.gatepost);
    page.0
}

fn requests(page: &mut Page, gauges: &Gauges) {
    let counts = gauges.gatepost.counts();
    page.counters(
        ("gatepost_requests_total", "class"),
        "Requests that the public listener answered, by the class of their status.",
        gauges.requests.by_class(),
    );
    page.counters(
        ("gatepost_gate_verdicts_total", "verdict"),
        "Requests that the gate judged: passed, or why not.",
        counts.verdicts(),
    );
    let (issued, refused) = counts.tokens();
    page.counters(
        ("gatepost_token_requests_total", "result"),
        "Requests for an access token with credentials: issued, or refused.",
        [("issued", issued), ("refused", refused)],
    );
}

fn deliveries(page: &mut Page, gauges: &Gauges) {
    page.counters(
        ("gatepost_delivery_attempts_total", "outcome"),
        "Tries to deliver a webhook, by their outcome; skipped are deliveries that may not be sent any more.",
        gauges.senders.by_outcome(),
    );
    page.gauge(
        "gatepost_deliveries_in_memory",
        "Deliveries that wait for their turn, are on the wire, or are to be recorded.",
        gauges.gatepost.deliveries_in_memory(),
    );
    page.gauge("gatepost_deliveries_on_the_wire", "Tries under way.", gauges.senders.on_the_wire());
    page.phases(
        "gatepost_delivery_seconds",
        "How long deliveries took: waiting from the event to its first try, sending from resolving to the end of the reply.",
        &gauges.senders.by_phase(),
    );
    page.gauge(
        "gatepost_replays_running",
        "Replays that any node works on, when this node last looked.",
        gauges.gatepost.replays_running(),
    );
}

/// Of all nodes: each of them tells the same.
fn waiting(page: &mut Page, backlog: Backlog) {
    page.gauge(
        "gatepost_deliveries_due",
        "Deliveries that are due and that no node has begun with, at most 10000.",
        backlog.due,
    );
    page.seconds(
        "gatepost_delivery_queue_age_seconds",
        "For how long the first of them has been due.",
        backlog.age,
    );
}

fn store(page: &mut Page, gatepost: &Gatepost) {
    let store = gatepost.store().metrics();
    for (name, help, count) in [
        ("groups", "Groups of writes that were committed.", store.groups),
        ("writes", "Writes in committed groups.", store.closures),
        ("reruns", "Groups that were run again one by one.", store.reruns),
        (
            "collisions",
            "Transactions that were run again because another changed the same rows.",
            store.collisions,
        ),
        ("failed_commits", "Groups that could not be committed.", store.failed_commits),
        ("reads", "Reads of one moment.", store.reads),
        ("point_reads", "Look-ups by key.", store.point_reads),
        ("read_timeouts", "Reads that took longer than they may.", store.read_timeouts),
        ("read_kilosteps", "Thousands of steps of SQLite's machine that reads took.", store.read_kilosteps),
        ("connections_lost", "Connections to PostgreSQL that were lost.", store.connections_lost),
        ("round_trips", "Times that PostgreSQL's answer was waited for.", store.round_trips),
        ("checkpoints", "Checkpoints of SQLite.", store.checkpoints),
    ] {
        page.counter(&format!("gatepost_store_{name}_total"), help, count);
    }
    page.gauge("gatepost_store_wal_pages", "Pages in SQLite's write-ahead log.", store.wal_pages);
    page.seconds("gatepost_store_longest_commit_seconds", "The longest commit.", store.longest_commit);
    page.seconds(
        "gatepost_store_longest_checkpoint_seconds",
        "The longest checkpoint of SQLite.",
        store.longest_checkpoint,
    );
}

/// Only where there are other nodes.
fn feed(page: &mut Page, gatepost: &Gatepost) {
    let Some(lag) = gatepost.store().feed_lag() else { return };
    let store = gatepost.store().metrics();
    page.seconds(
        "gatepost_feed_lag_seconds",
        "What other nodes changed longer ago than this is in force here. Beyond store.postgres_feed_bound requests are refused.",
        lag,
    );
    page.seconds(
        "gatepost_feed_last_change_seconds",
        "How old the last announced change was when it came in force here, by PostgreSQL's clock.",
        store.last_change_took,
    );
    page.seconds(
        "gatepost_feed_longest_change_seconds",
        "How old the oldest one was.",
        store.longest_change_took,
    );
}

/// The text as it grows.
struct Page(String);

impl Page {
    fn counter(&mut self, name: &str, help: &str, count: u64) {
        self.head(name, help, "counter");
        self.line(format_args!("{name} {count}"));
    }

    fn counters(
        &mut self,
        (name, label): (&str, &str),
        help: &str,
        counts: impl IntoIterator<Item = (&'static str, u64)>,
    ) {
        self.head(name, help, "counter");
        for (value, count) in counts {
            self.line(format_args!("{name}{{{label}=\"{value}\"}} {count}"));
        }
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, help, "gauge");
        self.line(format_args!("{name} {value}"));
    }

    fn phases(&mut self, name: &str, help: &str, phases: &[Phase]) {
        self.head(name, help, "histogram");
        for Phase { name: phase, within, count, sum } in phases {
            for (bound, count) in within {
                let bound = bound.as_secs_f64();
                self.line(format_args!("{name}_bucket{{phase=\"{phase}\",le=\"{bound}\"}} {count}"));
            }
            self.line(format_args!("{name}_bucket{{phase=\"{phase}\",le=\"+Inf\"}} {count}"));
            self.line(format_args!("{name}_sum{{phase=\"{phase}\"}} {}", sum.as_secs_f64()));
            self.line(format_args!("{name}_count{{phase=\"{phase}\"}} {count}"));
        }
    }

    fn seconds(&mut self, name: &str, help: &str, time: Duration) {
        self.gauge(name, help, time.as_secs_f64());
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // A string takes all that is written to it.
        let _ = writeln!(self.0, "{line}");
    }
}
