//! Calls that are counted, listed and explained.

use std::time::Duration;

use gatepost_core::calls::{self, Tally};
use gatepost_core::clients::NewClient;
use gatepost_model::{ApiClient, Timestamp};
use gatepost_testkit::{App, TestClient};

use crate::support::WithStatus;

async fn client(app: &App, name: &str, workspaces: &[&str]) -> (TestClient, ApiClient) {
    let workspaces = workspaces.iter().map(|name| (*name).to_owned()).collect();
    let made = app.client(NewClient { workspaces, ..NewClient::named(name) }).await;
    let whole = app.gatepost().show_client(&made.id).await.unwrap();
    (made, whole)
}

#[tokio::test]
async fn calls_are_counted_by_hour_workspace_secret_and_address() {
    let app = App::builder().clock_at(Timestamp::from_seconds(1_795_521_600)).start().await;
    let shop = app.workspace("shop").await;
    let kiln = app.workspace("kiln").await;
    let (made, whole) = client(&app, "CRM sync", &["shop"]).await;
    let token = app.token(&made).await;
    let gatepost = app.gatepost();
    let call = async |business: Option<&str>| app.call("GET", "/v1.11/tasks", &token, business, None).await;
    for (business, status) in [(Some("shop"), 200), (Some("kiln"), 400), (Some("nowhere"), 400), (None, 400)]
    {
        call(business).await.with_status(status);
    }
    gatepost.flush_journal().await.unwrap();
    app.advance(Duration::from_secs(3600));
    call(Some("shop")).await.with_status(200);
    call(Some("shop")).await.with_status(200);
    gatepost.flush_journal().await.unwrap();

    let since = gatepost.now().minus(calls::SHOWN);
    let counted = gatepost.calls_of(whole.number, since).await.unwrap();
    let tallies: Vec<_> = calls::by_hour(&counted).into_values().collect();
    assert_eq!(tallies, [Tally { passed: 1, refused: 3 }, Tally { passed: 2, refused: 0 }]);
    let places = calls::by_workspace(&counted);
    assert_eq!(places[&Some(shop.number)], Tally { passed: 3, refused: 0 });
    assert_eq!(places[&Some(kiln.number)], Tally { passed: 0, refused: 1 });
    assert_eq!(places[&None], Tally { passed: 0, refused: 2 });
    assert_eq!(gatepost.calls_by_secret(whole.number, since).await.unwrap(), [(1, 3)]);
    let addresses = gatepost.calls_by_address(whole.number, since).await.unwrap();
    assert_eq!(addresses.iter().map(|(_, calls)| calls).sum::<u64>(), 6);

    app.advance(Duration::from_secs(10 * 24 * 3600));
    gatepost.apply_retention(Duration::ZERO).await.unwrap();
    assert!(gatepost.calls_of(whole.number, since).await.unwrap().is_empty());
    assert!(gatepost.calls_by_address(whole.number, since).await.unwrap().is_empty());
}
