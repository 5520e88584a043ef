//! Limits: guessing secrets (T20, T21), requests of a client (A11).

use std::net::IpAddr;
use std::time::Duration;

use gatepost_model::Timestamp;
use gatepost_testkit::{App, Http, TestClient, make};

use super::form;
use crate::support::{SCHOOL, list_tasks};

const ATTACKER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 66));
const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

async fn guess(attacker: &Http, client_id: &str, secret: &str) -> gatepost_testkit::Answer {
    let form = format!("grant_type=client_credentials&client_id={client_id}&client_secret={secret}");
    attacker.post_form("/oauth/token", &form).await
}

/// From 127.0.0.1, which is not the attacker's address.
async fn owner_gets_a_token(app: &App, client: &TestClient) {
    let _ = app.http.post_form("/oauth/token", &form(client)).await.expect(200);
}

#[tokio::test]
async fn t20_guessing_is_slowed_down_and_locks_nobody_out() {
    let app = App::builder().clock_at(START).start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let attacker = app.http.from_address(ATTACKER);
    let mut refused = 0;
    for number in 0..300 {
        let answer = guess(&attacker, &client.client_id, &format!("gps_{number:046}")).await;
        match answer.status {
            401 => assert_eq!(refused, 0, "once slowed down, it stays so"),
            429 => {
                refused += 1;
                let wait: u64 = answer.header("retry-after").parse().unwrap();
                assert!((1..=60).contains(&wait), "{wait}");
                assert_eq!(answer.json()["error"], "too_many_requests");
                assert_eq!(answer.header("cache-control"), "no-store");
            }
            other => panic!("{other}: {}", answer.text()),
        }
    }
    assert!(refused >= 270, "{refused}");
    // Not even the right secret tells the attacker anything now; the owner is not held up.
    let _ = guess(&attacker, &client.client_id, &client.secret).await.expect(429);
    owner_gets_a_token(&app, &client).await;
    // Another client from the attacker's address: slowed down by what it may try in all, not by this client.
    let other = app.client(make::client("Another", &[])).await;
    let _ = guess(&attacker, &other.client_id, &other.secret).await.expect(200);
    app.advance(Duration::from_secs(61));
    let _ = guess(&attacker, &client.client_id, &client.secret).await.expect(200);
}

#[tokio::test]
async fn t21_spraying_over_client_ids_is_slowed_down_by_address() {
    let app = App::builder().clock_at(START).start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let attacker = app.http.from_address(ATTACKER);
    let mut texts = Vec::new();
    for number in 0..150 {
        // Every tenth of them exists: it is answered like the others.
        let id = if number % 10 == 0 { client.client_id.clone() } else { format!("gpc_{number:020}") };
        let answer = guess(&attacker, &id, "gps_wrong").await;
        assert_eq!(answer.status, if number < 100 { 401 } else { 429 }, "{number}");
        texts.push(answer.text());
    }
    texts.dedup();
    assert_eq!(texts.len(), 2, "one text before, one after");
    let _ = guess(&attacker, &client.client_id, &client.secret).await.expect(429);
    owner_gets_a_token(&app, &client).await;
}

#[tokio::test]
async fn r_a11_over_the_limit_the_caller_is_told_when_to_come_back() {
    let app = App::builder().clock_at(START).config("[rate_limit]\nrequests_per_hour = 5").start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let mut own = make::client("Own limit", &[SCHOOL]);
    own.rate_limit = Some(2);
    let own = app.client(own).await;
    for (client, limit) in [(&client, 5), (&own, 2)] {
        let token = app.token(client).await;
        for used in 1..=limit {
            let answer = list_tasks(&app, &token, SCHOOL).await.expect(200);
            let left = limit - used;
            assert_eq!(answer.header("x-ratelimit-limit"), limit.to_string());
            assert_eq!(answer.header("x-ratelimit-remaining"), left.to_string());
            assert_eq!(answer.header("ratelimit-policy"), format!("\"client\";q={limit};w=3600"));
            assert_eq!(answer.header("ratelimit"), format!("\"client\";r={left};t=3600"));
        }
        // Asking for another token gives no more requests.
        for token in [token, app.token(client).await] {
            let answer = list_tasks(&app, &token, SCHOOL).await.expect(429);
            assert_eq!(answer.header("retry-after"), "3600");
            assert_eq!(answer.header("x-ratelimit-remaining"), "0");
            let reset: i64 = answer.header("x-ratelimit-reset").parse().unwrap();
            assert!((START.seconds() + 3600..=START.seconds() + 3601).contains(&reset), "{reset}");
        }
    }
    app.advance(Duration::from_secs(3600));
    let _ = list_tasks(&app, &app.token(&own).await, SCHOOL).await.expect(200);
}
