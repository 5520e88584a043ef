//! Attempts are counted, read again by hour, URL and method, and dropped when they were kept long enough.

use std::time::Duration;

use gatepost_core::attempts::{Ends, grouped};
use gatepost_core::calls::day_of;
use gatepost_model::webhook::{Attempt, Outcome};
use gatepost_model::{ClientNumber, Method};

use crate::support::Deployment;

const HOUR: Duration = Duration::from_secs(3600);
const CLIENT: ClientNumber = ClientNumber(1);

impl Deployment {
    fn tried(&self, client: ClientNumber, url: &str, outcome: Outcome, millis: i64) {
        let attempt = Attempt {
            delivery_id: String::from("dlv_1"),
            number: 1,
            started_at: self.gatepost.now(),
            duration_us: millis * 1_000,
            outcome,
            status: None,
            error: None,
            address: None,
            request_headers: String::from("[]"),
            response_headers: None,
            reply: None,
            client_revision: 1,
        };
        let method: Method = "task.edit".parse().unwrap();
        self.gatepost.note_attempt(client, url, &method, &attempt);
    }
}

async fn attempts_are_counted(deployment: Deployment) {
    let gatepost = &deployment.gatepost;
    let start = gatepost.now();
    for millis in [3, 5, 7] {
        deployment.tried(CLIENT, "url_a", Outcome::Delivered, millis);
        // Each is added to what the store has already.
        gatepost.flush_attempts().await.unwrap();
    }
    deployment.clock.advance(24 * HOUR);
    deployment.tried(CLIENT, "url_a", Outcome::Timeout, 15_000);
    deployment.tried(CLIENT, "url_b", Outcome::Delivered, 100);
    deployment.tried(ClientNumber(2), "url_c", Outcome::Delivered, 1);
    gatepost.flush_attempts().await.unwrap();
    gatepost.flush_attempts().await.unwrap();

    let by_hour = gatepost.attempts_by_hour(CLIENT, start).await.unwrap();
    let counts = |ends: &Ends| (ends.delivered, ends.failed, ends.total());
    assert_eq!(by_hour.values().map(counts).collect::<Vec<_>>(), [(3, 0, 3), (1, 1, 2)]);
    let first = by_hour.values().next().unwrap();
    assert_eq!(first.median(), Some(Duration::from_millis(5)));
    assert_eq!(first.p95(), Some(Duration::from_millis(7)));
    assert_eq!(grouped(&by_hour, day_of).len(), 2);
    let all = grouped(&by_hour, |_| ());
    assert_eq!(counts(&all[&()]), (4, 1, 5));

    let impact = gatepost.impact(CLIENT).await.unwrap();
    let by_url: Vec<_> = impact.urls.iter().map(|(url, ends)| (url.as_str(), counts(ends))).collect();
    assert_eq!(by_url, [("url_a", (3, 1, 4)), ("url_b", (1, 0, 1))]);
    let method: Method = "task.edit".parse().unwrap();
    assert_eq!((impact.delivered(), impact.delivered_of(&method)), (4, 4));
    assert_eq!((impact.passed(), impact.addresses), (0, 0));

    // The first day is dropped when it was kept long enough, and the second is not.
    deployment.clock.advance(7 * 24 * HOUR);
    gatepost.apply_retention(Duration::ZERO).await.unwrap();
    let left = gatepost.attempts_by_hour(CLIENT, start).await.unwrap();
    assert_eq!(left.values().map(counts).collect::<Vec<_>>(), [(1, 1, 2)]);
    assert_eq!(gatepost.impact(CLIENT).await.unwrap().delivered(), 1);
}

#[tokio::test]
async fn attempts_are_counted_in_sqlite() {
    attempts_are_counted(Deployment::new().await).await;
}

#[tokio::test]
async fn attempts_are_counted_in_postgres() {
    if let Some(deployment) = Deployment::on_postgres().await {
        attempts_are_counted(deployment).await;
    }
}
