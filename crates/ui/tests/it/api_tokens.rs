//! API tokens: made, shown once, used, cut off by their maker or who owns all that they reach.

use gatepost_model::Role;
use gatepost_testkit::App;

use crate::support::{Browser, WithStatus, between, colleague};

#[tokio::test]
async fn a_token_is_shown_once_and_cut_off_by_its_maker() {
    let app = App::start().await;
    app.workspace("one").await;
    let browser = Browser::owner(&app).await;
    assert!(browser.get("/tokens").await.with_status(200).text().contains("You have made no token yet."));
    assert!(browser.get("/tokens/new").await.with_status(200).text().contains("clients:read"));
    let wanted =
        [("name", "Nightly report"), ("scope", "clients:read"), ("workspace", "one"), ("days", "30")];
    let refused = browser.post("/tokens", &wanted[..2]).await.with_status(422).text();
    assert!(refused.contains("workspace") && refused.contains("Nightly report"), "{refused}");
    let made = browser.post("/tokens", &wanted).await.with_status(200).text();
    let token = format!("gpa_{}", between(&made, "<code>gpa_", "<"));
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let _ = app.http.send("GET", "/admin/v1/clients", &headers, "").await.expect(200);

    let list = browser.get("/tokens").await.with_status(200).text();
    assert!(list.contains("Nightly report") && !list.contains(&token), "{list}");
    let end = format!("/tokens/adt_{}/end", between(&list, "/tokens/adt_", "/end"));
    let other = colleague(&app, "other", &[("one", Role::Admin)]).await;
    assert!(!other.get("/tokens").await.with_status(200).text().contains("Nightly report"));
    let _ = other.post(&end, &[]).await.with_status(404);
    let _ = app.http.send("GET", "/admin/v1/clients", &headers, "").await.expect(200);
    let _ = browser.post(&end, &[]).await.with_status(303);
    let _ = app.http.send("GET", "/admin/v1/clients", &headers, "").await.expect(401);
    assert!(browser.get("/tokens").await.text().contains("Cut off"));
}

#[tokio::test]
async fn an_owner_of_all_that_a_token_reaches_sees_whose_it_is_and_cuts_it_off() {
    let app = App::start().await;
    app.workspace("one").await;
    let browser = Browser::owner(&app).await;
    let admin = colleague(&app, "aiko", &[("one", Role::Admin)]).await;
    let wanted = [("name", "Sync"), ("scope", "clients:read"), ("workspace", "one"), ("days", "30")];
    let _ = admin.post("/tokens", &wanted).await.with_status(200);
    let list = browser.get("/tokens").await.with_status(200).text();
    assert!(list.contains("Sync") && list.contains("Of aiko"), "{list}");
    let end = format!("/tokens/adt_{}/end", between(&list, "/tokens/adt_", "/end"));
    let _ = browser.post(&end, &[]).await.with_status(303);
    assert!(!browser.get("/tokens").await.text().contains("Sync"), "the trail has it");
    assert!(admin.get("/tokens").await.text().contains("Cut off"));
}
