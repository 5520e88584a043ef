//! Calls that are counted, listed and explained.

use std::time::Duration;

use gatepost_core::calls::{self, Tally};
use gatepost_core::clients::NewClient;
use gatepost_model::{ApiClient, Role, Timestamp};
use gatepost_testkit::{App, TestClient};

use crate::support::{Browser, WithStatus, colleague};

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

/// The ids of the requests that a page links to.
fn explained(page: &str) -> Vec<String> {
    page.split("/requests/req_")
        .skip(1)
        .map(|rest| format!("req_{}", rest.split('"').next().unwrap_or_default()))
        .collect()
}

#[tokio::test]
async fn a_refusal_is_listed_explained_and_put_right() {
    let app = App::start().await;
    for name in ["shop", "kiln", "others"] {
        app.workspace(name).await;
    }
    let (made, whole) = client(&app, "<b>Billing", &["shop"]).await;
    let token = app.token(&made).await;
    let owner = Browser::owner(&app).await;
    let call = async |business: Option<&str>| app.call("GET", "/v1.11/tasks", &token, business, None).await;
    for business in [Some("kiln"), Some("kiiln"), Some("<script>x"), None] {
        call(business).await.with_status(400);
    }
    app.gatepost().flush_journal().await.unwrap();

    let list = owner.get("/requests").await.with_status(200).text();
    assert_eq!(explained(&list).len(), 4, "{list}");
    assert!(!list.contains("<script>x") && !list.contains("<b>Billing"), "{list}");
    for (query, many) in [
        ("workspace=kiln", 1),
        ("check=workspace", 4),
        ("check=token", 0),
        ("client=cli_none", 0),
        ("time=hour", 4),
    ] {
        let page = owner.get(&format!("/requests?{query}")).await;
        assert_eq!(explained(&page.text()).len(), many, "{query}");
    }
    let of_client = owner.get(&format!("/requests?client={}", made.id)).await.with_status(200).text();
    assert!(of_client.contains("<b>0 calls</b> of this client passed and <b>4</b>"), "{of_client}");

    let ids = explained(&list);
    let page = async |at: usize| owner.get(&format!("/requests/{}", ids[at])).await.with_status(200).text();
    let (missing, script, mistyped, foreign) = (page(0).await, page(1).await, page(2).await, page(3).await);
    assert!(missing.contains("No business header was sent.") && missing.contains("business: shop"));
    assert!(missing.contains("Business undefined is not enabled for this client."), "{missing}");
    assert!(!script.contains("<script>x"), "{script}");
    assert!(mistyped.contains("No workspace of yours is called kiiln. Close to it: kiln."), "{mistyped}");
    assert!(foreign.contains("Stopped at check 5 of 8: workspace"), "{foreign}");
    assert!(foreign.contains("Enable kiln for") && foreign.contains("<b>1 request</b>"), "{foreign}");
    assert!(foreign.contains("If you enable it") && foreign.contains("This request would pass"), "{foreign}");

    let revision = whole.revision.to_string();
    let fields = [("revision", revision.as_str()), ("workspace", "shop"), ("workspace", "kiln")];
    owner.post(&format!("/clients/{}/workspaces", made.id), &fields).await.with_status(303);
    call(Some("kiln")).await.with_status(200);
    assert!(page(3).await.contains("is enabled for kiln meanwhile"), "{}", page(3).await);
}

#[tokio::test]
async fn p7_others_see_no_request_and_no_explanation() {
    let app = App::start().await;
    for name in ["one", "two"] {
        app.workspace(name).await;
    }
    let (made, _) = client(&app, "Of both", &["one", "two"]).await;
    let token = app.token(&made).await;
    let owner = Browser::owner(&app).await;
    app.call("GET", "/v1.11/tasks", &token, None, None).await.with_status(400);
    app.gatepost().flush_journal().await.unwrap();
    let ids = explained(&owner.get("/requests").await.text());
    assert_eq!(ids.len(), 1);
    for (name, roles) in [
        ("half", vec![("one", Role::Owner)]),
        ("member", vec![("one", Role::Member), ("two", Role::Member)]),
        ("stranger", vec![]),
    ] {
        let other = colleague(&app, name, &roles).await;
        assert!(explained(&other.get("/requests").await.with_status(200).text()).is_empty(), "{name}");
        other.get(&format!("/requests?client={}", made.id)).await.with_status(404);
        other.get(&format!("/requests/{}", ids[0])).await.with_status(404);
    }
    owner.get("/requests/req_nothing").await.with_status(404);
}

#[tokio::test]
async fn p7_requests_without_a_known_client_are_for_whoever_administers_everything() {
    let app = App::start().await;
    for name in ["one", "two"] {
        app.workspace(name).await;
    }
    let (deleted, _) = client(&app, "Deleted", &["one"]).await;
    let token = app.token(&deleted).await;
    let owner = Browser::owner(&app).await;
    app.call("GET", "/v1.11/tasks", &token, None, None).await.with_status(400);
    app.gatepost().flush_journal().await.unwrap();
    let cli = gatepost_core::Actor::Cli;
    app.gatepost().revoke_client(&cli, &deleted.id).await.unwrap();
    app.gatepost().delete_client(&cli, &deleted.id).await.unwrap();
    app.call("GET", "/v1.11/tasks", "gpt_nothing", Some("two"), None).await.with_status(401);
    app.call("GET", "/v1.11/tasks", &token, Some("two"), None).await.with_status(401);
    app.gatepost().flush_journal().await.unwrap();

    let list = owner.get("/requests").await.with_status(200).text();
    let ids = explained(&list);
    assert_eq!(ids.len(), 3, "{list}");
    assert!(list.contains("Not known"), "{list}");
    let strangers = owner.get("/requests?client=unknown").await.with_status(200).text();
    assert_eq!(explained(&strangers), ids);
    let page = owner.get(&format!("/requests/{}", ids[1])).await.with_status(200).text();
    assert!(page.contains("by a client that is not known"), "{page}");
    assert!(page.contains("is not a Gatepost access token") && page.contains("check 2 of 8"), "{page}");
    assert!(!page.contains("/clients/cli_"), "{page}");
    let found = owner.post("/troubleshooting", &[("paste", &ids[1])]).await.with_status(303);
    assert!(found.header("location").ends_with(&ids[1]));

    let everything = [("one", Role::Admin), ("two", Role::Owner)];
    let other = colleague(&app, "all", &everything).await;
    assert_eq!(explained(&other.get("/requests").await.text()), ids);
    for (name, roles) in [
        ("half", vec![("one", Role::Owner)]),
        ("mixed", vec![("one", Role::Owner), ("two", Role::Member)]),
        ("stranger", vec![]),
    ] {
        let other = colleague(&app, name, &roles).await;
        for query in ["", "?client=unknown"] {
            let page = other.get(&format!("/requests{query}")).await.with_status(200).text();
            assert!(explained(&page).is_empty() && !page.contains("Not known"), "{name}: {page}");
        }
        for id in &ids {
            other.get(&format!("/requests/{id}")).await.with_status(404);
            let told = other.post("/troubleshooting", &[("paste", id)]).await.with_status(200);
            assert!(told.text().contains("This id is not here"), "{name}");
        }
    }
}

#[tokio::test]
async fn what_is_pasted_is_explained_and_not_shown_again() {
    let app = App::start().await;
    app.workspace("shop").await;
    let (made, _) = client(&app, "Billing", &["shop"]).await;
    let token = app.token(&made).await;
    let owner = Browser::owner(&app).await;
    let page = owner.get("/troubleshooting").await.with_status(200).text();
    assert!(page.contains("Common API errors") && page.contains("Invalid client: client is invalid"));
    let paste = async |text: &str| owner.post("/troubleshooting", &[("paste", text)]).await;
    let line = format!("curl https://api.example.com/v1.11/tasks -H 'Authorization: Bearer {token}'");
    let curl = paste(&line).await.with_status(200).text();
    assert!(curl.contains("The business header is missing") && curl.contains("business: shop"), "{curl}");
    assert!(!curl.contains(&token));
    let told = paste("<script>y Business x is not enabled for this client.").await.with_status(200).text();
    assert!(told.contains("may not act in, or that does not exist") && !told.contains("<script>y"), "{told}");
    assert!(paste("HTTP 429").await.text().contains("429: Too many requests"));
    assert!(paste("req_0000").await.with_status(200).text().contains("This id is not here"));
    let refused = app.call("GET", "/v1.11/tasks", &token, None, None).await.with_status(400);
    app.gatepost().flush_journal().await.unwrap();
    let id = refused.header("x-request-id").to_owned();
    let answer = paste(&format!("x-request-id: {id}")).await.with_status(303);
    assert!(answer.header("location").ends_with(&format!("/requests/{id}")));
}
