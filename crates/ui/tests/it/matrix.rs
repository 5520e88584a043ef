//! Which client may act where: ticked, reviewed, saved.

use gatepost_core::Actor;
use gatepost_core::clients::{ClientChange, NewClient};
use gatepost_model::ApiClient;
use gatepost_testkit::App;

use crate::support::{Browser, WithStatus};

async fn client(app: &App, name: &str, workspaces: &[&str]) -> ApiClient {
    let workspaces = workspaces.iter().map(|name| (*name).to_owned()).collect();
    let made = app.client(NewClient { workspaces, ..NewClient::named(name) }).await;
    app.gatepost().show_client(&made.id).await.unwrap()
}

async fn enabled(app: &App, client: &ApiClient) -> Vec<String> {
    let client = app.gatepost().show_client(&client.id).await.unwrap();
    client.workspaces.iter().map(|workspace| workspace.subdomain.as_str().to_owned()).collect()
}

#[tokio::test]
async fn changes_are_reviewed_and_saved_client_by_client() {
    let app = App::start().await;
    for name in ["shop", "kiln"] {
        app.workspace(name).await;
    }
    let browser = Browser::owner(&app).await;
    let crm = client(&app, "CRM sync", &["shop"]).await;
    let billing = client(&app, "Billing", &["shop", "kiln"]).await;

    let page = browser.get("/clients-by-workspace").await.with_status(200).text();
    assert!(page.contains(&format!("value=\"{}:shop\" aria-label=\"CRM sync in shop\" checked", crm.id)));
    assert!(page.contains(&format!("value=\"{}:kiln\" aria-label=\"CRM sync in kiln\">", crm.id)), "{page}");

    let [crm_now, billing_now] = [&crm, &billing].map(|client| format!("{}:{}", client.id, client.revision));
    let [crm_shop, crm_kiln, billing_kiln] = [(&crm, "shop"), (&crm, "kiln"), (&billing, "kiln")]
        .map(|(client, at)| format!("{}:{at}", client.id));
    let columns = [("column", "shop"), ("column", "kiln"), ("client", &crm_now), ("client", &billing_now)];
    let ticked = [("on", crm_shop.as_str()), ("on", &crm_kiln)];
    let review = browser.post("/clients-by-workspace", &[&columns[..], &ticked].concat()).await;
    let review = review.with_status(200).text();
    assert!(review.contains(&format!("name=\"add\" value=\"{crm_kiln}\"")), "{review}");
    assert!(review.contains("Leave at least one workspace ticked"), "{review}");
    assert_eq!(enabled(&app, &crm).await, ["shop"]);

    // Somebody else is faster with one of them: the other is saved all the same.
    let name = ClientChange { name: Some(String::from("Invoices")), ..ClientChange::default() };
    app.gatepost().update_client(&Actor::System, &billing.id, name).await.unwrap();
    let wanted = [
        ("client", crm_now.as_str()),
        ("client", &billing_now),
        ("add", &crm_kiln),
        ("remove", &billing_kiln),
    ];
    let saved = browser.post("/clients-by-workspace/save", &wanted).await.with_status(200).text();
    assert!(saved.contains("Somebody changed it meanwhile"), "{saved}");
    assert_eq!(enabled(&app, &crm).await.len(), 2);
    assert_eq!(enabled(&app, &billing).await.len(), 2);

    let billing = app.gatepost().show_client(&billing.id).await.unwrap();
    let now = format!("{}:{}", billing.id, billing.revision);
    let wanted = [("client", now.as_str()), ("remove", &billing_kiln)];
    browser.post("/clients-by-workspace/save", &wanted).await.with_status(303);
    assert_eq!(enabled(&app, &billing).await, ["shop"]);

    // What cannot be saved is not offered to be.
    let none_ticked = [("column", "shop"), ("client", now.as_str())];
    let review = browser.post("/clients-by-workspace", &none_ticked).await.with_status(200).text();
    assert!(review.contains("Not saved") && !review.contains("Save changes"), "{review}");
    browser.post("/clients-by-workspace/save", &[]).await.with_status(400);
}
