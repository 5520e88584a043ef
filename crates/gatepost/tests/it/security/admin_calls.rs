//! What the pages do can be done by the admin API, as it describes itself.

use std::collections::BTreeSet;

use gatepost_api::admin;
use gatepost_core::admin_tokens::Scope;
use serde_json::{Value, json};

use super::admin_tokens::{Stage, change, token};
use crate::support::{SCHOOL, text};

#[tokio::test]
async fn clients_are_searched_and_their_calls_counted_over_the_network() {
    let stage = Stage::set().await;
    let (_, good) = token(&stage.app, &stage.ann, SCHOOL, &Scope::ALL).await;
    let other = json!({ "name": "Billing", "workspaces": [SCHOOL], "apiVersion": "v1.9" });
    let other = change(&stage, &good, "POST", "/clients", "*", other).await.expect(201).json();
    for (query, found) in [
        ("q=crm", vec!["CRM sync"]),
        ("q=127.0.0.1:9", vec!["CRM sync"]),
        ("sort=name", vec!["Billing", "CRM sync"]),
        ("sort=name&reversed=true", vec!["CRM sync", "Billing"]),
        ("sort=created&limit=1", vec!["CRM sync"]),
        ("version=v1.9", vec!["Billing"]),
        ("status=revoked", vec![]),
        ("workspace=elsewhere", vec![]),
    ] {
        for answer in [
            stage.call_with("GET", &format!("/clients?{query}"), &good).await,
            stage.app.admin("GET", &format!("/clients?{query}"), None).await,
        ] {
            let listed = answer.expect(200).json();
            let names: Vec<_> = listed.as_array().unwrap().iter().map(|one| text(one, "name")).collect();
            assert_eq!(names, found, "{query}");
        }
    }
    let after = format!("/clients?sort=name&after={}", text(&other, "id"));
    assert_eq!(stage.call_with("GET", &after, &good).await.expect(200).json()[0]["name"], "CRM sync");
    let wrong = stage.call_with("GET", "/clients?sort=age", &good).await.expect(400);
    assert!(wrong.text().contains("created, standing, name"), "{}", wrong.text());

    let calls = format!("/clients/{}/calls", stage.client.id);
    let counted = stage.call_with("GET", &calls, &good).await.expect(200).json();
    assert_eq!((&counted["passed"], &counted["refused"]), (&json!(1), &json!(1)), "{counted}");
    assert_eq!(counted["byReason"][0]["reason"], "foreign_workspace");
    assert_eq!(counted["byWorkspace"].as_array().map(Vec::len), Some(2), "one is not told: {counted}");
    assert_eq!(stage.app.admin("GET", &calls, None).await.expect(200).json()["passed"], 1);
    let later = format!("{calls}?since=2099-01-01");
    assert_eq!(stage.call_with("GET", &later, &good).await.expect(200).json()["passed"], 0);
}

#[tokio::test]
async fn webhook_urls_are_tried_held_back_and_rekeyed_over_the_network() {
    let stage = Stage::set().await;
    let (_, good) = token(&stage.app, &stage.ann, SCHOOL, &Scope::ALL).await;
    let at = |what: &str| format!("/clients/{}/webhook-urls/{}{what}", stage.client.id, stage.url);
    let tested = stage.call_with("POST", &at("/test"), &good).await.expect(200).json();
    assert_ne!(tested["outcome"], "delivered", "{tested}");

    let paused = stage.call_with("POST", &at("/pause"), &good).await.expect(200);
    let tag = paused.header("etag").to_owned();
    assert_eq!(paused.json()["webhookUrls"][0]["state"], "paused");
    let _ = change(&stage, &good, "POST", &at("/resume"), &tag, json!({})).await.expect(400);
    let all = json!({ "deliveries": "all" });
    let stale = change(&stage, &good, "POST", &at("/resume"), "\"1\"", all.clone()).await.expect(409);
    assert!(stale.text().contains("look at it again"), "{}", stale.text());
    let resumed = change(&stage, &good, "POST", &at("/resume"), &tag, all).await.expect(200).json();
    assert_eq!(resumed["client"]["webhookUrls"][0]["state"], "active");
    let all = json!({ "deliveries": "all" });
    let _ = change(&stage, &good, "POST", &at("/enable"), "*", all).await.expect(409);

    let rotated =
        change(&stage, &good, "POST", &at("/signing-key/rotate"), "*", json!({ "overlap": "1h" })).await;
    let rotated = rotated.expect(200).json();
    let key = text(&rotated["webhookUrls"][0], "signingSecret");
    assert_eq!(rotated["webhookUrls"][0]["signingKeys"].as_array().map(Vec::len), Some(2));
    let revealed = stage.call_with("POST", &at("/signing-key/reveal"), &good).await.expect(200).json();
    assert_eq!(revealed["signingSecret"], key.as_str());
    let ended = stage.call_with("POST", &at("/signing-key/end-old"), &good).await.expect(200).json();
    assert_eq!(ended["webhookUrls"][0]["signingKeys"].as_array().map(Vec::len), Some(1));
    let moved = json!({ "url": "http://127.0.0.1:9/elsewhere" });
    let moved = change(&stage, &good, "POST", &at("/move"), "*", moved).await.expect(200).json();
    assert_eq!(moved["webhookUrls"][0]["url"], "http://127.0.0.1:9/elsewhere");
    assert!(stage.call_with("GET", &at(""), &good).await.expect(200).json()["pendingDeliveries"].is_u64());
}

#[tokio::test]
async fn deliveries_and_refused_requests_are_dealt_with_over_the_network() {
    let stage = Stage::set().await;
    let (_, good) = token(&stage.app, &stage.ann, SCHOOL, &Scope::ALL).await;
    let pause = format!("/clients/{}/webhook-urls/{}/pause", stage.client.id, stage.url);
    let _ = stage.call_with("POST", &pause, &good).await.expect(200);
    let delivery = |what: &str| format!("/deliveries/{}/{what}", stage.delivery);
    let cancelled = stage.call_with("POST", &delivery("cancel"), &good).await;
    if cancelled.status == 200 {
        assert_eq!(cancelled.json()["state"], "cancelled");
        let late = stage.call_with("POST", &delivery("send-now"), &good).await.expect(409);
        assert!(late.text().contains("cancelled already"), "{}", late.text());
        let again = stage.call_with("POST", &delivery("replay"), &good).await.expect(201).json();
        assert_eq!(again["replayOf"], stage.delivery.as_str());
    }
    let listed =
        stage.call_with("GET", "/requests?check=workspace&since=2020-01-01", &good).await.expect(200);
    assert_eq!(listed.json()[0]["id"], stage.request.as_str());
    let none = format!("/requests?client={}&check=token", stage.client.client_id);
    assert_eq!(stage.call_with("GET", &none, &good).await.expect(200).json(), json!([]));
    let wrong = stage.call_with("GET", "/requests?check=weather", &good).await.expect(400);
    assert!(wrong.text().contains("rate limit"), "{}", wrong.text());
    let path = format!("/requests/{}", stage.request);
    for explained in [
        stage.call_with("GET", &path, &good).await.expect(200).json(),
        stage.app.admin("GET", &path, None).await.expect(200).json(),
    ] {
        assert_eq!(explained["reason"], "foreign_workspace");
        assert_eq!(explained["enabledWorkspaces"], json!([SCHOOL]));
        let failed = json!({ "check": "workspace", "result": "failed" });
        assert!(explained["checks"].as_array().unwrap().contains(&failed), "{explained}");
    }
}

#[tokio::test]
async fn the_description_has_every_call_and_its_scope_and_is_there_for_everybody() {
    let stage = Stage::set().await;
    let document = stage.app.http.send("GET", "/admin/v1/openapi.json", &[], "").await.expect(200).json();
    assert_eq!(document, admin::document());
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for (verb, path, needs) in admin::table() {
        let operation = &document["paths"][format!("/admin/v1{path}")][verb.as_str().to_lowercase()];
        assert!(ids.insert(operation["operationId"].to_string()), "{operation}");
        assert!(operation["summary"].as_str().is_some_and(|summary| summary.ends_with('.')), "{verb} {path}");
        match needs {
            admin::Needs::Scope(scope) => {
                assert_eq!(operation["security"][0]["adminToken"][0], scope.as_str())
            }
            admin::Needs::Token => assert_eq!(operation["security"][0]["adminToken"], json!([])),
            admin::Needs::Operator => assert_eq!(operation["x-gatepost-operator"], true),
        }
    }
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap_or_default();
        assert!(document["components"]["schemas"][name].is_object(), "{name} is not described");
    }
}

/// What a described member may look like.
fn sample(schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("array") => json!(["a"]),
        Some("integer") => json!(1),
        Some("string") => schema["enum"].get(0).cloned().unwrap_or_else(|| json!("a")),
        _ => json!("1h"),
    }
}

#[tokio::test]
async fn the_description_names_the_very_members_that_calls_read() {
    let stage = Stage::set().await;
    let (id, _) = token(&stage.app, &stage.ann, SCHOOL, &Scope::ALL).await;
    let document = admin::document();
    for (verb, template, _) in admin::table() {
        let operation = &document["paths"][format!("/admin/v1{template}")][verb.as_str().to_lowercase()];
        let path = stage.path(template, &id);
        let queried = operation["parameters"].as_array().unwrap().iter();
        let queried: BTreeSet<_> =
            queried.filter(|one| one["in"] == "query").map(|one| text(one, "name")).collect();
        if !queried.is_empty() {
            let refused = stage.app.admin(verb.as_str(), &format!("{path}?zzz=1"), None).await.expect(400);
            let message = text(&refused.json(), "message");
            let named: BTreeSet<_> = message.split('`').skip(3).step_by(2).map(str::to_owned).collect();
            assert_eq!(named, queried, "{verb} {template}: {message}");
        }
        if verb == "GET" || verb == "DELETE" {
            continue;
        }
        let properties = &operation["requestBody"]["content"]["application/json"]["schema"]["properties"];
        let mut body = json!({ "zzz": 1 });
        let message = loop {
            let refused = stage.app.admin(verb.as_str(), &path, Some(body.clone())).await;
            let message = text(&refused.expect(400).json(), "message");
            match message.split_once(": is missing") {
                Some((name, _)) => body[name] = sample(&properties[name]),
                None => break message,
            }
        };
        let named = message.split_once("the members are ").map(|(_, named)| named).unwrap_or_default();
        let named: BTreeSet<_> =
            named.split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let described = properties.as_object().into_iter().flatten().map(|(name, _)| name.clone());
        assert_eq!(named, described.collect(), "{verb} {template}: {message}");
    }
}
