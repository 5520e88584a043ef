//! Pictures of the main pages: `cargo xtask screenshots` puts them into `docs/screenshots/`.

use std::path::PathBuf;

use gatepost_testkit::receiver::Script;
use gatepost_testkit::{App, Browser, Folder, Receiver, make};
use serde_json::json;

use crate::support::{BASE, SCHOOL, SHOP, TASKS, owner, page_of};

/// Pictures are kept with the source.
const BYTES: usize = 200_000;

#[tokio::test]
async fn pictures_of_the_main_pages_are_small_enough_to_keep() {
    let temporary = Folder::new();
    let folder = std::env::var_os("GATEPOST_SCREENSHOTS");
    let folder = folder.map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let (app, receiver) = (App::start().await, Receiver::start().await);
    let client = furnish(&app, &receiver).await;
    let browser = owner(&app).await;
    for (name, path) in [
        ("clients", BASE.to_owned()),
        ("create", format!("{BASE}/clients/new")),
        ("client", page_of(&client)),
        ("deliveries", format!("{BASE}/deliveries")),
        ("delivery", followed(&browser, "deliveries", "task.create", "Attempt 1").await),
        ("requests", format!("{BASE}/requests")),
        ("explain", followed(&browser, "requests", "Explain", "What the caller saw").await),
        ("clients-by-workspace", format!("{BASE}/clients-by-workspace")),
        ("people", format!("{BASE}/people")),
        ("audit", format!("{BASE}/audit")),
        ("troubleshooting", format!("{BASE}/troubleshooting")),
    ] {
        for (look, is_dark, width, height) in
            [("light", false, 1440, 900), ("dark", true, 1440, 900), ("phone", false, 390, 800)]
        {
            browser.resize(width, height).await;
            browser.darken(is_dark).await;
            browser.go(&path).await;
            let picture = browser.screenshot().await;
            assert!(picture.len() < BYTES, "{name}, {look}: {} bytes", picture.len());
            std::fs::write(folder.join(format!("{name}-{look}.png")), picture).unwrap();
        }
    }
}

/// A school with three tools, one of which has a receiver that does not answer. Gives the id of that client.
async fn furnish(app: &App, receiver: &Receiver) -> String {
    app.workspace(SCHOOL).await;
    app.workspace(SHOP).await;
    let away = Receiver::start().await;
    away.otherwise(Script::Status(503));
    let urls = [receiver.url("/gatepost"), away.url("/hooks/tasks")];
    let client =
        app.client(make::subscriber("CRM sync", &[SCHOOL, SHOP], &urls, &["task.*", "invoice.edit"])).await;
    app.client(make::client("Studio displays", &[SHOP])).await;
    app.client(make::client("Bookkeeping", &[SCHOOL])).await;
    let token = app.token(&client).await;
    for title in ["Fire the kiln", "Order glaze", "Clean the studio"] {
        let task = json!({ "title": title });
        let _ = app.call("POST", TASKS, &token, Some(SCHOOL), Some(task)).await.expect(200);
    }
    let _ = app.call("GET", TASKS, &token, Some("pottery-evenings"), None).await.expect(400);
    let _ = app.call("GET", TASKS, &token, None, None).await.expect(400);
    receiver.wait_for(3).await;
    away.wait_for(3).await;
    client.id
}

/// The path of the page that a link on a list leads to, which has this text.
async fn followed(browser: &Browser, list: &str, link: &str, text: &str) -> String {
    browser.go(&format!("{BASE}/{list}")).await;
    browser.sees_in_time(link).await;
    browser.press(link).await;
    browser.sees(text).await;
    browser.path().await
}
