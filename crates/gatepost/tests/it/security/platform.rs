//! The platform: P1 to P4, P6, P8 to P10. P5 is in `leaks`. P7 is about users, who come with the manager's pages.

use std::time::Duration;

use gatepost_model::network::Networks;
use gatepost_testkit::receiver::Script;
use gatepost_testkit::{App, Process, Receiver, TestClient, make};
use serde_json::{Value, json};

use super::{credentials, form, post};
use crate::support::{SCHOOL, TASKS, act, list_tasks, text, update};

/// A client that may call from two networks, and a token that its owner got some other way.
async fn guarded(app: &App) -> (TestClient, String) {
    app.workspace(SCHOOL).await;
    let mut new = make::client("Guarded", &[SCHOOL]);
    new.allow_list = Networks::parse(&["198.51.100.0/24", "2001:db8::/32"]).unwrap();
    let client = app.client(new).await;
    let issued = act(app, &client.id, "token").await;
    (client, issued["accessToken"].as_str().or(issued["access_token"].as_str()).unwrap().to_owned())
}

/// Whether both the API and the token endpoint let a caller in that sends this `X-Forwarded-For`.
async fn let_in(app: &App, (client, token): &(TestClient, String), forwarded: &[&str]) -> bool {
    let authorization = format!("Bearer {token}");
    let hops: Vec<(&str, &str)> = forwarded.iter().map(|hops| ("x-forwarded-for", *hops)).collect();
    let headers = [&[("authorization", authorization.as_str()), ("business", SCHOOL)], &hops[..]].concat();
    let api = app.http.get(TASKS, &headers).await.status;
    let token = post(app, "/oauth/token", &hops, &form(client)).await.status;
    assert!([(200, 200), (403, 401)].contains(&(api, token)), "{forwarded:?}: {api} {token}");
    api == 200
}

#[tokio::test]
async fn p1_p2_a_caller_cannot_choose_its_address_at_either_endpoint() {
    let app = App::start().await;
    let guarded = guarded(&app).await;
    for forwarded in [&[][..], &["198.51.100.7"], &["198.51.100.7, 198.51.100.8"], &["2001:db8::1"]] {
        assert!(!let_in(&app, &guarded, forwarded).await, "{forwarded:?}: no proxy is trusted");
    }
    update(&app, &guarded.0.id, json!({ "allowIps": ["127.0.0.1"] })).await;
    assert!(let_in(&app, &guarded, &["203.0.113.9"]).await, "nor can it be talked out of its own");
}

#[tokio::test]
async fn p1_p2_behind_a_trusted_proxy_only_what_the_proxy_added_counts() {
    let app = App::builder().server(r#"trusted_proxies = ["127.0.0.1", "192.0.2.0/24"]"#).start().await;
    let guarded = guarded(&app).await;
    let inside: [&[&str]; 6] = [
        &["198.51.100.7"],
        &["203.0.113.9, 198.51.100.7"],
        &["nonsense, 198.51.100.7, 192.0.2.1"],
        &["203.0.113.9", "198.51.100.7"],
        &["::ffff:198.51.100.7"],
        &["2001:db8:1::9"],
    ];
    for forwarded in inside {
        assert!(let_in(&app, &guarded, forwarded).await, "{forwarded:?}");
    }
    let outside: [&[&str]; 7] = [
        &[],
        &["203.0.113.9"],
        &["198.51.100.7, 203.0.113.9"],
        &["198.51.100.7", "203.0.113.9"],
        &["198.51.100.7, nonsense"],
        &["::ffff:203.0.113.9"],
        &["2001:db9::1"],
    ];
    for forwarded in outside {
        assert!(!let_in(&app, &guarded, forwarded).await, "{forwarded:?}");
    }
}

#[tokio::test]
async fn p3_webhook_urls_that_must_not_be_reached_cannot_even_be_saved() {
    let app = App::builder().with_closed_networks().start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let forbidden = [
        "http://hooks.example.com/",
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "http://169.254.169.254/",
        "https://[::ffff:10.0.0.1]/",
        "https://2130706433.example.local/",
        "https://0x0a000001/",
        "https://user:password@hooks.example.com/",
        "https://hooks.example.com:6379/",
        "https://metadata.internal/",
        "ftp://hooks.example.com/",
        "javascript:alert(1)",
        "/hooks",
        "",
    ];
    for url in forbidden {
        let create = json!({ "name": "Other", "webhookUrls": [url] });
        let refused = app.admin("POST", "/clients", Some(create)).await.expect(400).json();
        assert!(text(&refused, "message").contains("webhookUrls"), "{url}: {refused}");
        let add = Some(json!({ "addWebhookUrls": [url] }));
        let _ = app.admin("PATCH", &format!("/clients/{}", client.id), add).await.expect(400);
    }
    update(&app, &client.id, json!({ "addWebhookUrls": ["https://hooks.example.com/a?b=c"] })).await;
}

#[tokio::test]
async fn p3_a_url_is_judged_again_when_it_is_sent_to_and_redirects_lead_nowhere() {
    let receiver = Receiver::start().await;
    receiver.script([Script::Status(307)]);
    let retry = "retry_schedule = [\"1h\"]";
    let mut server = Process::start(env!("CARGO_BIN_EXE_gatepost"), retry).await;
    server.workspace(SCHOOL).await;
    let client = server.client("CRM sync", SCHOOL, &[receiver.url("/")], "task.create").await;
    let task = json!({ "title": "Fire the kiln" });
    let _ = server.api(&client, SCHOOL).await.call("POST", TASKS, Some(&task)).await.expect(200);
    assert_eq!(first_attempt(&server).await["status"], 307);

    // The operator closes the network that was open when the URL was saved.
    assert!(server.terminate().await.success());
    std::fs::write(server.cli().data().join("gatepost.toml"), format!("[webhooks]\n{retry}\n")).unwrap();
    server.restart().await;
    let _ = server.api(&client, SCHOOL).await.call("POST", TASKS, Some(&task)).await.expect(200);
    assert_eq!(first_attempt(&server).await["outcome"], "blocked");
    assert_eq!(receiver.received().len(), 1, "nothing was sent after that, nor after the redirect");
}

/// The first attempt of the newest delivery, once it is recorded.
async fn first_attempt(server: &Process) -> Value {
    let looking = async {
        loop {
            let newest = server.cli().json(&["delivery", "list", "--limit", "1"]).await[0].clone();
            if newest["attempts"] == 1 {
                let shown = server.cli().json(&["delivery", "show", &text(&newest, "id")]).await;
                return shown["attemptLog"][0].clone();
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), looking).await.expect("the delivery was tried")
}

#[tokio::test]
async fn p4_the_audit_trail_holds_every_change_and_no_secret() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let steps = [
        json!({ "name": "CRM" }),
        json!({ "addWorkspaces": [SCHOOL] }),
        json!({ "addWebhookUrls": ["https://hooks.example.com/"] }),
        json!({ "apiVersion": "v1.9" }),
        json!({ "allowIps": ["127.0.0.1"] }),
    ];
    for step in steps {
        update(&app, &client.id, step).await;
    }
    for action in ["reveal", "rotate", "secrets/1/kill", "disable", "enable", "revoke"] {
        act(&app, &client.id, action).await;
    }
    let _ = app.admin("DELETE", &format!("/clients/{}", client.id), None).await.expect(200);

    let trail = app.admin("GET", &format!("/audit?subject={}", client.id), None).await.expect(200).json();
    let entries = trail.as_array().unwrap();
    let actions: Vec<String> = entries.iter().rev().map(|entry| text(entry, "action")).collect();
    let update = "client.update";
    let expected = [
        "client.create",
        update,
        update,
        update,
        update,
        update,
        "secret.reveal",
        "secret.rotate",
        "secret.kill",
        "client.disable",
        "client.enable",
        "client.revoke",
        "client.delete",
    ];
    assert_eq!(actions, expected);
    for entry in entries {
        assert_eq!(entry["actor"], "cli");
        assert!(text(entry, "at").ends_with('Z'));
    }
    let renamed = &entries[entries.len() - 2];
    assert_eq!((&renamed["before"]["name"], &renamed["after"]["name"]), (&json!("CRM sync"), &json!("CRM")));
    for secret in [client.secret.as_str(), "whsec_", "gps_"] {
        assert!(!trail.to_string().contains(secret), "{secret}");
    }
    for method in ["DELETE", "POST", "PATCH", "PUT"] {
        let _ = app.admin(method, "/audit", None).await.expect(405);
    }
}

#[tokio::test]
async fn p6_the_admin_api_on_the_public_listener_takes_no_token_of_a_client() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let token = app.token(&client).await;
    let reveal = format!("/admin/v1/clients/{}/reveal", client.id);
    for (method, path) in [("GET", "/admin/v1/clients"), ("POST", &reveal), ("GET", "/admin/v1/audit")] {
        let answer = app.call(method, path, &token, Some(SCHOOL), None).await.expect(401);
        assert!(answer.text().contains("The admin token is not valid"), "{}", answer.text());
        let _ = app.http.send(method, path, &[], "").await.expect(401);
    }
    // Nor is a client's secret a token.
    let _ = list_tasks(&app, &client.secret, SCHOOL).await.expect(401);
}

#[tokio::test]
async fn p8_a_change_made_for_an_older_revision_undoes_nothing() {
    let app = App::start().await;
    let client = app.client(make::client("CRM sync", &[])).await;
    let path = format!("/clients/{}", client.id);
    let seen = app.admin("GET", &path, None).await.expect(200);
    let tag = seen.header("etag").to_owned();
    act(&app, &client.id, "disable").await;
    let stale = [("if-match", tag.as_str())];
    let rename = Some(json!({ "name": "Renamed" }));
    let _ = app.admin_with("PATCH", &path, &stale, rename.clone()).await.expect(409);
    let _ = app.admin("PATCH", &path, Some(json!({ "name": "Renamed", "revision": 1 }))).await.expect(409);
    let now = app.admin("GET", &path, None).await.expect(200);
    assert_eq!((&now.json()["name"], &now.json()["status"]), (&json!("CRM sync"), &json!("disabled")));
    let fresh = now.header("etag").to_owned();
    assert_ne!(fresh, tag);
    let _ = app.admin_with("PATCH", &path, &[("if-match", &fresh)], rename).await.expect(200);
}

#[tokio::test]
async fn p9_when_something_fails_inside_the_caller_learns_nothing_of_it() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let token = app.token(&client).await;
    let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);
    app.gatepost().store().close().await;
    let write = Some(json!({ "title": "Lost" }));
    let answers = [
        list_tasks(&app, &token, SCHOOL).await,
        app.call("POST", TASKS, &token, Some(SCHOOL), write).await,
        post(&app, "/oauth/revoke", &[], &format!("{}&token={token}", credentials(&client))).await,
        app.http.get("/readyz", &[]).await,
        app.admin("GET", "/clients", None).await,
    ];
    for answer in answers {
        assert!((500..=503).contains(&answer.status), "{}", answer.status);
        let body = answer.text();
        assert!(answer.json()["message"].is_string() && answer.header("x-request-id").starts_with("req_"));
        for inside in
            ["sqlite", "SQL", "store", "thread", "panic", ".rs", "gatepost.db", "postgres", "channel", "/tmp"]
        {
            assert!(!body.contains(inside), "{inside}: {body}");
        }
    }
}

#[tokio::test]
async fn p10_slow_and_oversized_requests_are_cut_short() {
    let app = App::builder().server("header_timeout = \"1s\"").start().await;
    app.workspace(SCHOOL).await;
    let token = app.token(&app.client(make::client("CRM sync", &[SCHOOL])).await).await;
    // A caller that never finishes its headers is hung up on.
    let within = Duration::from_secs(10);
    let slow = b"GET /v1.11/tasks HTTP/1.1\r\nHost: gatepost\r\nX-Slow: ";
    let _ = tokio::time::timeout(within, app.http.send_raw(slow)).await.expect("hung up on").unwrap();
    // Who is not let in is answered without being listened to, however much is announced.
    let announced = |authorization: &str| {
        format!(
            "POST {TASKS} HTTP/1.1\r\nHost: gatepost\r\nConnection: close\r\nBusiness: {SCHOOL}\r\n{authorization}\
             Content-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n{{\"title\":"
        )
    };
    let answer =
        tokio::time::timeout(within, app.http.send_raw(announced("").as_bytes())).await.expect("answered");
    assert!(answer.unwrap().starts_with("HTTP/1.1 401 "));
    // Who is let in may send a mebibyte.
    let large = |bytes: usize| Some(Value::from("x".repeat(bytes))).map(|title| json!({ "title": title }));
    let _ = app.call("POST", TASKS, &token, Some(SCHOOL), large(1024 * 1024)).await.expect(413);
    let _ = app.call("POST", TASKS, &token, Some(SCHOOL), large(500_000)).await.expect(200);
    let too_long = "x".repeat(100 * 1024);
    assert!([400, 413].contains(&post(&app, "/oauth/token", &[], &too_long).await.status));
    let _ = list_tasks(&app, &token, SCHOOL).await.expect(200);
}
