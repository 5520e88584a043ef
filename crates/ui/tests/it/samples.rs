//! What a method's webhooks carry, and the script that posts it.

use std::process::Command;

use gatepost_core::clients::{ClientChange, NewClient};
use gatepost_model::webhook::PayloadShape;
use gatepost_testkit::{App, Receiver};
use serde_json::Value;

use crate::support::{Browser, WithStatus, between, unescaped};

const KEY: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// The text of the block of code with this label.
fn code(page: &str, label: &str) -> String {
    let figure = between(page, &format!("aria-label=\"{label}\">"), "</figure>");
    unescaped(between(figure, "<code>", "</code>"))
}

// The receiver has to answer while the script runs.
#[tokio::test(flavor = "multi_thread")]
async fn the_script_posts_the_sample_signed_and_in_the_shape_of_the_client() {
    let app = App::start().await;
    app.workspace("shop").await;
    let new = NewClient { workspaces: vec![String::from("shop")], ..NewClient::named("It's <b>") };
    let made = app.client(new).await;
    let browser = Browser::owner(&app).await;
    let client = format!("/clients/{}", made.id);
    let list = browser.get(&client).await.with_status(200).text();
    assert!(
        list.contains(&format!("{client}/samples/task.create\" aria-label=\"Sample of task\"")),
        "{list}"
    );

    let path = format!("{client}/samples/invoice.edit");
    let page = browser.get(&path).await.with_status(200).text();
    assert!(page.contains("in v1.11.") && page.contains("samples/invoice.remove"), "{page}");
    let record: Value = serde_json::from_str(&code(&page, "Body")).unwrap();
    let entity = app.gatepost().catalog().lookup_type("invoice").unwrap();
    for field in entity.fields.keys().map(String::as_str).chain(["_id", "createdAt", "businessId"]) {
        assert!(record.get(field).is_some(), "{field}: {record}");
    }
    let shape = ClientChange { payload: Some(PayloadShape::Envelope), ..ClientChange::default() };
    app.gatepost().update_client(&gatepost_core::Actor::Cli, &made.id, shape).await.unwrap();
    let page = browser.get(&path).await.with_status(200).text();
    let body: Value = serde_json::from_str(&code(&page, "Body")).unwrap();
    assert_eq!(body["type"], "invoice.edit");

    let receiver = Receiver::start().await;
    let mut script = Command::new("sh");
    script.args(["-c", &code(&page, "Script")]).env("SIGNING_KEY", KEY).env("RECEIVER", receiver.url("/in"));
    script.env("no_proxy", "*");
    // A machine may lack openssl or curl; then the script is run elsewhere.
    if ["openssl", "curl"].iter().any(|tool| Command::new(tool).arg("version").output().is_err()) {
        return;
    }
    let ran = script.output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let received = receiver.wait_for(1).await;
    assert!(received[0].is_signed_with(KEY), "{:?}", received[0]);
    assert_eq!(received[0].json(), body);
    for (name, value) in [
        ("gatepost-method", "invoice.edit"),
        ("gatepost-workspace", "shop"),
        ("gatepost-api-version", "v1.11"),
    ] {
        assert_eq!(received[0].header(name), value);
    }
}

#[tokio::test]
async fn every_method_has_a_sample_and_nothing_else_has() {
    let app = App::start().await;
    app.workspace("shop").await;
    let new = NewClient { workspaces: vec![String::from("shop")], ..NewClient::named("Billing") };
    let made = app.client(new).await;
    let browser = Browser::owner(&app).await;
    for method in app.gatepost().catalog().methods() {
        let page =
            browser.get(&format!("/clients/{}/samples/{method}", made.id)).await.with_status(200).text();
        assert!(page.contains(&format!("<h1>Sample of {method}</h1>")), "{method}");
        assert!(page.len() < 60_000, "{method}: {} bytes", page.len());
    }
    for method in ["task", "task.archive", "nothing.create", "tag.create%20x"] {
        browser.get(&format!("/clients/{}/samples/{method}", made.id)).await.with_status(404);
    }
}
