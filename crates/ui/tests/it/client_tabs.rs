//! The tabs of a client's page: what was changed when by whom, and the versions of the API.

use gatepost_core::clients::NewClient;
use gatepost_model::Role;
use gatepost_testkit::{App, TestClient};

use crate::support::{Browser, WithStatus, between, colleague};

async fn client(app: &App) -> TestClient {
    app.workspace("shop").await;
    let new = NewClient {
        workspaces: vec![String::from("shop")],
        methods: vec![String::from("task.edit")],
        ..NewClient::named("CRM sync")
    };
    app.client(new).await
}

#[tokio::test]
async fn the_history_tells_each_change_with_old_and_new_and_no_secret() {
    let app = App::start().await;
    let client = client(&app).await;
    let browser = Browser::owner(&app).await;
    let base = format!("/clients/{}", client.id);
    let settings = [
        ("revision", "1"),
        ("name", "CRM"),
        ("version", "v1.9"),
        ("lifetime", "72h"),
        ("limit", ""),
        ("addresses", ""),
        ("policy", "revealable"),
        ("payload", "record"),
    ];
    browser.post(&format!("{base}/settings"), &settings).await.with_status(303);
    browser.post(&format!("{base}/rotate"), &[("overlap", "3600")]).await.with_status(200);
    let page = browser.get(&format!("{base}/history")).await.with_status(200).text();
    assert!(page.contains("/history\" aria-current=\"page\">History</a>"), "{page}");
    let [rotated, changed, created] = ["Rotated the secret of", "Changed", "Created client"].map(|what| {
        let rows: Vec<&str> = page.split("<tr role=\"row\">").filter(|row| row.contains(what)).collect();
        assert_eq!(rows.len(), 1, "{what}: {page}");
        rows[0]
    });
    assert!(created.contains("The command line"), "{created}");
    assert!(changed.contains("Ines Ferreira") && changed.contains("127.0.0.1"), "{changed}");
    assert!(changed.contains("apiVersion: v1.11") && changed.contains("apiVersion: v1.9"), "{changed}");
    assert!(changed.contains("name: CRM sync") && changed.contains("name: CRM<"), "{changed}");
    assert!(changed.contains("<details class=\"chg\" open>"), "{changed}");
    assert!(rotated.contains("secrets"), "{rotated}");
    assert!(!page.contains(&client.secret), "no secret is in the history");

    let foreign = colleague(&app, "tomasz", &[]).await;
    foreign.get(&format!("{base}/history")).await.with_status(404);
    foreign.get(&format!("{base}/versions")).await.with_status(404);
}

#[tokio::test]
async fn the_versions_say_which_is_the_client_s_and_show_a_webhook_in_another() {
    let app = App::start().await;
    let client = client(&app).await;
    let browser = Browser::owner(&app).await;
    let base = format!("/clients/{}/versions", client.id);
    let page = browser.get(&base).await.with_status(200).text();
    let table = between(&page, "<tbody", "</tbody>");
    assert_eq!(table.matches("role=\"rowheader\"").count(), 6, "{table}");
    let own = between(table, "role=\"rowheader\"", "</th>");
    assert!(own.contains("v1.11") && own.contains("This client"), "{own}");
    assert!(page.contains("This is the version that CRM sync has."), "{page}");

    let other = browser.get(&format!("{base}?version=v1.9&method=task.edit")).await.with_status(200).text();
    let card = between(&other, "id=\"preview\"", "</section>");
    assert!(card.contains("A webhook in v1.9"), "{card}");
    assert!(
        card.contains("gatepost-api-version: v1.11") && card.contains("gatepost-api-version: v1.9"),
        "{card}"
    );
    assert!(card.contains("&#34;_id&#34;: &#34;"), "{card}");
    // What nobody knows is the client's own.
    let odd = browser.get(&format!("{base}?version=%3Cv9%3E&method=nothing")).await.with_status(200).text();
    assert!(odd.contains("A webhook in v1.11"), "{odd}");

    let admin = colleague(&app, "tomasz", &[("shop", Role::Admin)]).await;
    admin.get(&base).await.with_status(200);
}
