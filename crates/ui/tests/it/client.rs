//! The page of one client: secrets, workspaces, URLs, methods, settings, stopping.

use std::time::Duration;

use gatepost_core::clients::NewClient;
use gatepost_model::{ApiClient, ClientStatus, SecretPolicy, Timestamp};
use gatepost_testkit::{App, TestClient};

use crate::support::{BASE, Browser, PASSWORD, WithStatus, between};

async fn app() -> App {
    let app = App::builder().clock_at(Timestamp::from_seconds(1_790_000_000)).start().await;
    for name in ["one", "two"] {
        app.workspace(name).await;
    }
    app
}

async fn client(app: &App) -> TestClient {
    app.client(NewClient { workspaces: vec![String::from("one")], ..NewClient::named("CRM sync") }).await
}

async fn stored(app: &App, client: &TestClient) -> ApiClient {
    app.gatepost().show_client(&client.id).await.unwrap()
}

#[tokio::test]
async fn a_secret_is_shown_after_the_password_and_that_is_kept() {
    let app = app().await;
    let client = client(&app).await;
    let browser = Browser::owner(&app).await;
    let page = format!("/clients/{}", client.id);
    let show = format!("{page}/secrets/1/show");
    assert!(!browser.get(&page).await.with_status(200).text().contains(&client.secret));
    let fresh = browser.post(&show, &[]).await.with_status(200);
    assert!(fresh.text().contains(&client.secret), "the password was just asked for");
    assert_eq!(fresh.header("cache-control"), "no-store");

    app.advance(Duration::from_secs(10 * 60));
    let asked = browser.post(&show, &[]).await.with_status(200).text();
    assert!(asked.contains("Your password") && !asked.contains(&client.secret));
    let wrong = browser.post(&show, &[("password", "wrong and wrong")]).await.with_status(422).text();
    assert!(wrong.contains("The password is wrong.") && !wrong.contains(&client.secret), "{wrong}");
    let right = browser.post(&show, &[("password", PASSWORD)]).await.with_status(200).text();
    assert!(right.contains(&client.secret));
    browser.get(&show).await.with_status(405);
    browser.post(&format!("{page}/secrets/9/show"), &[]).await.with_status(404);
    let history = browser.get(&format!("/audit?subject={}", client.id)).await.text();
    assert_eq!(history.matches("Showed a secret of").count(), 2, "{history}");
    assert!(!history.contains(&client.secret));
}

#[tokio::test]
async fn a_secret_is_rotated_and_the_old_one_ended() {
    let app = app().await;
    let client = client(&app).await;
    let browser = Browser::owner(&app).await;
    let page = format!("/clients/{}", client.id);
    let dialog = browser.get(&format!("{page}/rotate")).await.with_status(200).text();
    assert!(dialog.contains("<dialog") && dialog.contains("value=\"86400\" checked"), "{dialog}");
    let made = browser.post(&format!("{page}/rotate"), &[("overlap", "86400")]).await.with_status(200).text();
    let secret = format!("gps_{}", between(&made, "data-copy=\"gps_", "\""));
    app.ask_token(&client.client_id, &secret).await.with_status(200);
    app.ask_token(&client.client_id, &client.secret).await.with_status(200);

    assert!(browser.get(&format!("{page}/secrets/1/end")).await.text().contains("End it now"));
    let ended = browser.post(&format!("{page}/secrets/1/end"), &[]).await.with_status(303);
    assert_eq!(ended.header("location"), format!("{BASE}{page}"));
    app.ask_token(&client.client_id, &client.secret).await.with_status(401);
    app.ask_token(&client.client_id, &secret).await.with_status(200);
    let last = browser.post(&format!("{page}/secrets/2/end"), &[]).await.with_status(409).text();
    assert!(last.contains("last live secret"), "{last}");
}

#[tokio::test]
async fn the_once_policy_keeps_no_copy_to_show() {
    let app = app().await;
    let new = NewClient {
        workspaces: vec![String::from("one")],
        secret_policy: SecretPolicy::Once,
        ..NewClient::named("Once")
    };
    let client = app.client(new).await;
    let browser = Browser::owner(&app).await;
    let page = browser.get(&format!("/clients/{}", client.id)).await.text();
    assert!(!page.contains("/secrets/1/show") && page.contains("to get a new one, rotate it"));
    let shown = browser.post(&format!("/clients/{}/secrets/1/show", client.id), &[]).await.with_status(409);
    assert!(shown.text().contains("no copy is kept"));
}

#[tokio::test]
async fn workspaces_are_ticked_and_the_last_one_stays_until_that_is_confirmed() {
    let app = app().await;
    let client = client(&app).await;
    let browser = Browser::owner(&app).await;
    let path = format!("/clients/{}/workspaces", client.id);
    let both = [("revision", "1"), ("workspace", "one"), ("workspace", "two")];
    browser.post(&path, &both).await.with_status(303);
    assert_eq!(stored(&app, &client).await.workspaces.len(), 2);
    let page = browser.get(&format!("/clients/{}", client.id)).await.text();
    assert!(page.contains("Saved. In force on "));
    let none = browser.post(&path, &[("revision", "2")]).await.with_status(200).text();
    assert!(none.contains("Untick 2 workspaces for"), "{none}");
    assert_eq!(stored(&app, &client).await.workspaces.len(), 2);
}

#[tokio::test]
async fn urls_are_added_with_a_key_of_their_own_and_removed() {
    let app = app().await;
    let client = client(&app).await;
    let browser = Browser::owner(&app).await;
    let page = format!("/clients/{}", client.id);
    assert!(browser.get(&format!("{page}/urls/new")).await.text().contains("Add a webhook URL"));
    for bad in ["", "ftp://hooks.example.org/", "https://10.0.0.1/", "nonsense\"><script>"] {
        let refused = browser.post(&format!("{page}/urls"), &[("url", bad)]).await.with_status(422).text();
        assert!(refused.contains("class=\"error\"") && !refused.contains("<script>"), "{bad}");
    }
    let url = "https://hooks.example.org/in";
    browser.post(&format!("{page}/urls"), &[("url", url)]).await.with_status(303);
    let id = stored(&app, &client).await.webhook_urls[0].id.clone();
    let shown = browser.post(&format!("{page}/urls/{id}/key"), &[]).await.with_status(200).text();
    assert!(shown.contains("whsec_") && shown.contains(url));
    assert!(
        browser.get(&format!("{page}/urls/{id}/remove")).await.text().contains("Remove this webhook URL?")
    );
    browser.post(&format!("{page}/urls/{id}/remove"), &[]).await.with_status(303);
    assert!(stored(&app, &client).await.webhook_urls.is_empty());
    browser.post(&format!("{page}/urls/{id}/key"), &[]).await.with_status(404);
}

#[tokio::test]
async fn methods_are_ticked_one_by_one_or_by_type() {
    let app = app().await;
    let client = client(&app).await;
    let browser = Browser::owner(&app).await;
    let path = format!("/clients/{}/methods", client.id);
    let form = [("revision", "1"), ("method", "task.create"), ("method", "invoice.edit")];
    browser.post(&path, &form).await.with_status(303);
    let ticked = async || {
        stored(&app, &client).await.methods.iter().map(|m| m.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ticked().await, ["invoice.edit", "task.create"]);
    let all = [("revision", "2"), ("method", "invoice.edit"), ("set", "task:all")];
    browser.post(&path, &all).await.with_status(303);
    assert_eq!(ticked().await, ["invoice.edit", "task.create", "task.edit", "task.remove"]);
    let none = [("revision", "3"), ("method", "invoice.edit"), ("method", "task.edit"), ("set", "task:none")];
    browser.post(&path, &none).await.with_status(303);
    assert_eq!(ticked().await, ["invoice.edit"]);
    let page = browser.get(&format!("/clients/{}", client.id)).await.text();
    assert!(
        page.contains("aria-label=\"invoice.edit\" checked") && page.contains("1 of 117 ticked."),
        "{page}"
    );
    browser.post(&path, &[("revision", "4")]).await.with_status(303);
    assert!(
        browser.get(&format!("/clients/{}", client.id)).await.text().contains("Nothing is sent or queued.")
    );
}

#[tokio::test]
async fn settings_are_saved_or_say_what_is_wrong() {
    let app = app().await;
    let client = client(&app).await;
    let browser = Browser::owner(&app).await;
    let path = format!("/clients/{}/settings", client.id);
    assert!(browser.get(&path).await.with_status(200).text().contains("value=\"72h\""));
    let good = [
        ("revision", "1"),
        ("name", "CRM"),
        ("version", "v1.10"),
        ("lifetime", "12h"),
        ("limit", "5000"),
        ("addresses", "203.0.113.0/24\r\n2001:db8::1"),
        ("policy", "revealable"),
        ("payload", "envelope"),
    ];
    for (field, value, says) in [
        ("name", "", "It must not be empty."),
        ("lifetime", "100h", "It must be from 1 minute to 72 hours."),
        ("lifetime", "soon", "soon"),
        ("limit", "many", "Use a whole number"),
        ("addresses", "nowhere", "nowhere"),
        ("version", "v9", "v9"),
        ("policy", "", "Choose one of the two."),
    ] {
        let form: Vec<_> =
            good.iter().map(|(name, old)| (*name, if *name == field { value } else { *old })).collect();
        let refused = browser.post(&path, &form).await.with_status(422).text();
        assert!(
            refused.contains("Nothing was saved.") && refused.contains(says),
            "{field}={value}: {refused}"
        );
    }
    browser.post(&path, &good).await.with_status(303);
    let saved = stored(&app, &client).await;
    assert_eq!((saved.name.as_str(), saved.rate_limit, saved.revision), ("CRM", Some(5000), 2));
    assert_eq!(saved.allow_list.to_texts().len(), 2);
    let page = browser.get(&format!("/clients/{}", client.id)).await.text();
    assert!(
        page.contains("12 hours") && page.contains("5,000 calls an hour") && page.contains("An envelope")
    );
}

#[tokio::test]
async fn p8_whoever_saves_second_sees_both_versions_and_loses_nothing() {
    let app = app().await;
    let client = client(&app).await;
    let browser = Browser::owner(&app).await;
    let path = format!("/clients/{}/settings", client.id);
    let form = |revision, name, limit, addresses| {
        [
            ("revision", revision),
            ("name", name),
            ("version", "v1.11"),
            ("lifetime", "3d"),
            ("limit", limit),
            ("addresses", addresses),
            ("policy", "revealable"),
            ("payload", "record"),
        ]
    };
    browser.post(&path, &form("1", "CRM sync", "10", "")).await.with_status(303);
    browser.post(&path, &form("2", "CRM sync", "5000", "")).await.with_status(303);
    let conflict =
        browser.post(&path, &form("2", "CRM sync", "2000", "203.0.113.0/24")).await.with_status(409);
    let conflict = conflict.text();
    assert!(conflict.contains("Ines Ferreira changed this client while you were editing"), "{conflict}");
    assert!(
        conflict.contains("name=\"limit\" value=\"5000\" checked")
            && conflict.contains("name=\"limit\" value=\"2000\"")
    );
    assert!(
        conflict.contains("No clash, will be saved")
            && conflict.contains("name=\"addresses\" value=\"203.0.113.0/24\"")
    );
    assert_eq!(stored(&app, &client).await.rate_limit, Some(5000), "nothing was saved yet");
    browser.post(&path, &form("3", "CRM sync", "2000", "203.0.113.0/24")).await.with_status(303);

    let path = format!("/clients/{}/methods", client.id);
    let methods = |revision, list: &[&'static str]| {
        let mut form = vec![("revision", revision)];
        form.extend(list.iter().map(|method| ("method", *method)));
        form
    };
    browser.post(&path, &methods("4", &["task.edit", "task.create"])).await.with_status(303);
    browser.post(&path, &methods("5", &["task.create"])).await.with_status(303);
    let merged = browser.post(&path, &methods("5", &["task.edit", "task.create", "invoice.edit"])).await;
    let merged = merged.with_status(409).text();
    let kept: Vec<_> =
        merged.split("name=\"method\" value=\"").skip(1).map(|rest| between(rest, "", "\"")).collect();
    assert_eq!(
        kept,
        ["invoice.edit", "task.create"],
        "what was removed stays removed, what was added is kept"
    );
}

#[tokio::test]
async fn stopping_asks_first_and_revoking_asks_for_the_name() {
    let app = app().await;
    let client = client(&app).await;
    let browser = Browser::owner(&app).await;
    let page = format!("/clients/{}", client.id);
    let status = async || stored(&app, &client).await.status;
    assert!(browser.get(&format!("{page}/disable")).await.text().contains("Disable CRM sync?"));
    browser.post(&format!("{page}/disable"), &[]).await.with_status(303);
    assert_eq!(status().await, ClientStatus::Disabled);
    assert!(browser.get(&page).await.text().contains("By Ines Ferreira"));
    browser.post(&format!("{page}/enable"), &[]).await.with_status(303);
    assert_eq!(status().await, ClientStatus::Active);

    browser.get(&format!("{page}/delete")).await.with_status(409);
    for wrong in ["", "crm sync", "CRM"] {
        browser.post(&format!("{page}/revoke"), &[("confirm", wrong)]).await.with_status(422);
    }
    browser.post(&format!("{page}/delete"), &[("confirm", "CRM sync")]).await.with_status(409);
    assert_eq!(status().await, ClientStatus::Active);
    browser.post(&format!("{page}/revoke"), &[("confirm", "CRM sync")]).await.with_status(303);
    assert_eq!(status().await, ClientStatus::Revoked);
    let late = browser.post(&format!("{page}/workspaces"), &[("revision", "1"), ("workspace", "two")]).await;
    assert!(late.with_status(409).text().contains("Revoked meanwhile. Your changes were not saved."));
    assert!(!browser.get(&page).await.text().contains("Save workspaces"));

    browser.post(&format!("{page}/delete"), &[("confirm", "CRM sync")]).await.with_status(303);
    browser.get(&page).await.with_status(404);
    let log = browser.get("/audit").await.text();
    assert!(log.contains("Deleted client") && log.contains(&client.id), "{log}");
}
