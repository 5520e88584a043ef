//! What the contract says of the page: A4, A5, A8, A9, A16, A34.

use std::time::Duration;

use gatepost_model::Timestamp;
use gatepost_testkit::{App, make};

use crate::support::{BASE, PASSWORD, SCHOOL, SHOP, TASKS, owner, page_of, word};

#[tokio::test]
async fn a04_the_help_area_has_a_page_titled_api_client_management() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let browser = owner(&app).await;
    browser.press("API client management").await;
    let heading = browser.run("return document.querySelector('h1').innerText", &[]).await;
    assert_eq!(heading, "API client management");
    browser.sees("API and developers").await;
}

#[tokio::test]
async fn a05_clients_are_created_under_settings_api_manager() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let browser = owner(&app).await;
    assert_eq!(browser.path().await, BASE);
    let crumbs = browser.run("return document.querySelector('.crumbs').innerText", &[]).await;
    let crumbs: Vec<&str> = crumbs.as_str().unwrap().split('\n').map(str::trim).collect();
    assert_eq!(crumbs.join(" "), "Settings API manager");
    browser.press("Create your first client").await;
    browser.fill("Name", "CRM sync").await;
    browser.press("Create client").await;
    browser.sees("CRM sync is ready").await;
}

#[tokio::test]
async fn a08_id_and_secret_can_be_seen_at_any_later_time() {
    let app = App::builder().clock_at(Timestamp::from_seconds(1_790_000_000)).start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let browser = owner(&app).await;
    // Longer than a password that was typed counts.
    app.advance(Duration::from_secs(20 * 60));
    browser.go(&page_of(&client.id)).await;
    browser.sees(&client.client_id).await;
    assert!(!browser.text().await.contains(&client.secret));

    let hint = &client.secret[client.secret.len() - 4..];
    browser.press(&format!("Show gps_…{hint}")).await;
    browser.fill("Your password", PASSWORD).await;
    browser.press("Show it").await;
    browser.sees(&client.secret).await;
    browser.press("Hide").await;
    browser.sees("Credentials").await;
    assert!(!browser.text().await.contains(&client.secret));
}

#[tokio::test]
async fn a09_the_page_warns_that_the_secret_is_as_sensitive_as_a_password() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let browser = owner(&app).await;
    browser.go(&page_of(&client.id)).await;
    browser.sees("The secret is as sensitive as a password. Do not share it.").await;
    browser.go(&format!("{}/first-call", page_of(&client.id))).await;
    browser.sees("Treat the secret like a password.").await;
}

#[tokio::test]
async fn a16_the_ticks_at_workspaces_decide_where_the_client_may_act() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    app.workspace(SHOP).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let token = app.token(&client).await;
    let browser = owner(&app).await;
    browser.go(&page_of(&client.id)).await;
    browser.tick(SCHOOL).await;
    browser.tick(SHOP).await;
    browser.press("Save workspaces").await;
    browser.sees("Saved. In force on ").await;
    let _ = app.call("GET", TASKS, &token, Some(SCHOOL), None).await.expect(400);
    let _ = app.call("GET", TASKS, &token, Some(SHOP), None).await.expect(200);
}

#[tokio::test]
async fn a34_the_workspaces_are_the_first_thing_to_check_and_credentials_can_be_regenerated() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    app.workspace(SHOP).await;
    let client = app.client(make::client("CRM sync", &[SHOP])).await;
    let token = app.token(&client).await;
    let _ = app.call("GET", TASKS, &token, Some(SCHOOL), None).await.expect(400);
    let browser = owner(&app).await;
    browser.go(&page_of(&client.id)).await;
    browser.sees("Check this first when calls answer 400").await;
    browser.tick(SCHOOL).await;
    browser.press("Save workspaces").await;
    browser.sees("Saved. In force on ").await;
    let _ = app.call("GET", TASKS, &token, Some(SCHOOL), None).await.expect(200);

    browser.press("Rotate secret").await;
    browser.tick("its tokens stop too").await;
    browser.press("Make a new secret").await;
    browser.sees("New client secret").await;
    let shown = browser.run("return document.querySelector('[data-shown]').innerText", &[]).await;
    let secret = word(shown.as_str().unwrap(), "gps_").to_owned();
    let _ = app.ask_token(&client.client_id, &secret).await.expect(200);
    let _ = app.ask_token(&client.client_id, &client.secret).await.expect(401);
}
