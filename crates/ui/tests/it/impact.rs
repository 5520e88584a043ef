//! What a change breaks is said before it is done, from recent traffic.

use std::net::IpAddr;

use gatepost_core::calls::{PASSED, day_of, hour_of};
use gatepost_core::clients::NewClient;
use gatepost_model::webhook::{Attempt, Outcome};
use gatepost_model::{ApiClient, Role, Timestamp};
use gatepost_store::tables::calls::{self, Additions, Call};
use gatepost_testkit::App;

use crate::support::{Browser, WithStatus, colleague};

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_795_521_600);

/// A client in two workspaces of three, with a URL and two methods, to which nothing has happened yet.
pub(crate) async fn client(app: &App) -> ApiClient {
    for name in ["shop", "kiln", "glaze"] {
        app.workspace(name).await;
    }
    let new = NewClient {
        workspaces: vec![String::from("shop"), String::from("kiln")],
        webhook_urls: vec![String::from("https://hooks.example.org/in")],
        methods: vec![String::from("task.create"), String::from("task.edit")],
        ..NewClient::named("CRM sync")
    };
    let made = app.client(new).await;
    app.gatepost().show_client(&made.id).await.unwrap()
}

/// 1,398 calls in the client's first workspace, from two addresses, and three attempts for `task.edit`.
pub(crate) async fn traffic(app: &App, client: &ApiClient) {
    let (gatepost, number) = (app.gatepost(), client.number);
    let now = gatepost.now();
    let shop = client.workspace("shop").unwrap().number;
    let mut additions = Additions::default();
    let call = Call { hour: hour_of(now), client: number, workspace: Some(shop), verdict: PASSED };
    additions.calls.insert(call, 1_398);
    additions.secrets.insert((hour_of(now), number, client.secrets[0].number), 1_398);
    for (address, calls) in [([203, 0, 113, 24], 1_386), ([198, 51, 100, 7], 12)] {
        additions.addresses.insert((number, day_of(now), IpAddr::from(address)), calls);
    }
    gatepost.store().write(move |tx| calls::add(tx, &additions)).await.unwrap();
    for outcome in [Outcome::Delivered, Outcome::Delivered, Outcome::Timeout] {
        let attempt = Attempt {
            delivery_id: String::from("dlv_1"),
            number: 1,
            started_at: now,
            duration_us: 142_000,
            outcome,
            status: None,
            error: None,
            address: None,
            request_headers: String::from("[]"),
            response_headers: None,
            reply: None,
            client_revision: 1,
        };
        let method = "task.edit".parse().unwrap();
        gatepost.note_attempt(number, &client.webhook_urls[0].id, &method, &attempt);
    }
    gatepost.flush_attempts().await.unwrap();
}

async fn busy() -> (App, ApiClient, Browser) {
    let app = App::builder().clock_at(NOW).start().await;
    let client = client(&app).await;
    let browser = Browser::owner(&app).await;
    traffic(&app, &client).await;
    (app, client, browser)
}

#[tokio::test]
async fn each_confirmation_says_what_it_breaks() {
    let (_app, client, browser) = busy().await;
    let base = format!("/clients/{}", client.id);
    let url = &client.webhook_urls[0].id;
    let secret = client.secrets[0].number;
    for (path, said) in [
        (String::new(), "<span class=\"end\">1,398 calls</span>"),
        (String::new(), "<span class=\"sub\">1,398 calls in 24 h</span>"),
        (String::from("/disable"), "1,398 calls from 2 addresses"),
        (String::from("/revoke"), "2 deliveries to 1 URL; none is pending"),
        (String::from("/rotate"), "breaks 1,398 calls a day"),
        (String::from("/rotate"), "</code>: <strong>1,398 calls</strong>"),
        (
            format!("/secrets/{secret}/end"),
            "1,398 calls by it in the last 7 days, 1,398 of them in the last 24",
        ),
        (format!("/urls/{url}/remove"), "2 in the last 7 days, beside 1 failed attempt"),
        (format!("/urls/{url}/remove"), "<dt>Pending</dt><dd>None is pending</dd>"),
    ] {
        let page = browser.get(&format!("{base}{path}")).await.with_status(200).text();
        assert!(page.contains(said), "{path}: {said}");
    }
}

#[tokio::test]
async fn a_workspace_in_use_is_unticked_when_that_is_confirmed() {
    let (app, client, browser) = busy().await;
    let path = format!("/clients/{}/workspaces", client.id);
    let revision = client.revision.to_string();
    let stored = async || app.gatepost().show_client(&client.id).await.unwrap().workspaces.len();
    // Where nothing is called, nothing is asked.
    let all = [("revision", revision.as_str()), ("workspace", "shop")];
    browser.post(&path, &all).await.with_status(303);
    assert_eq!(stored().await, 1);
    let revision = (client.revision + 1).to_string();
    let both = [("revision", revision.as_str()), ("workspace", "shop"), ("workspace", "kiln")];
    browser.post(&path, &both).await.with_status(303);

    let revision = (client.revision + 2).to_string();
    let kiln = [("revision", revision.as_str()), ("workspace", "kiln")];
    let asked = browser.post(&path, &kiln).await.with_status(200).text();
    assert!(asked.contains("Untick shop for CRM sync?"), "{asked}");
    assert!(asked.contains("<dt><code>shop</code></dt><dd>1,398 calls</dd>"), "{asked}");
    assert!(asked.contains("<input type=\"hidden\" name=\"workspace\" value=\"kiln\">"), "{asked}");
    assert_eq!(stored().await, 2);
    browser.post(&path, &[&kiln[..], &[("confirmed", "yes")]].concat()).await.with_status(303);
    assert_eq!(stored().await, 1);
}

#[tokio::test]
async fn the_last_workspace_is_unticked_with_the_name_typed() {
    let (app, client, browser) = busy().await;
    let path = format!("/clients/{}/workspaces", client.id);
    let revision = client.revision.to_string();
    let none = [("revision", revision.as_str())];
    let stored = async || app.gatepost().show_client(&client.id).await.unwrap().workspaces.len();
    let asked = browser.post(&path, &none).await.with_status(200).text();
    assert!(asked.contains("Type <code>CRM sync</code> to confirm"), "{asked}");
    assert!(asked.contains("only who made the client sees it: the command line."), "{asked}");
    let wrong = [none[0], ("confirmed", "yes"), ("confirm", "crm")];
    let again = browser.post(&path, &wrong).await.with_status(422).text();
    assert!(again.contains("This is not the name of the client."), "{again}");
    assert_eq!(stored().await, 2);
    let right = [none[0], ("confirmed", "yes"), ("confirm", "CRM sync")];
    let saved = browser.post(&path, &right).await.with_status(303);
    // It is no longer theirs to see, so they get to the list.
    assert_eq!(saved.headers["location"], crate::support::BASE);
    assert_eq!(stored().await, 0);
    browser.get(&format!("/clients/{}", client.id)).await.with_status(404);
}

#[tokio::test]
async fn methods_that_are_sent_are_unticked_when_that_is_confirmed() {
    let (app, client, browser) = busy().await;
    let path = format!("/clients/{}/methods", client.id);
    let revision = client.revision.to_string();
    let create = [("revision", revision.as_str()), ("method", "task.create")];
    let asked = browser.post(&path, &create).await.with_status(200).text();
    assert!(asked.contains("Stop sending task.edit to CRM sync?"), "{asked}");
    assert!(asked.contains("<dt><code>task.edit</code></dt><dd>2 deliveries</dd>"), "{asked}");
    let stored = async || app.gatepost().show_client(&client.id).await.unwrap().methods.len();
    assert_eq!(stored().await, 2);
    browser.post(&path, &[&create[..], &[("confirmed", "yes")]].concat()).await.with_status(303);
    assert_eq!(stored().await, 1);
    // Of this one nothing was delivered.
    let revision = (client.revision + 1).to_string();
    browser.post(&path, &[("revision", &revision)]).await.with_status(303);
    assert_eq!(stored().await, 0);
}

#[tokio::test]
async fn who_has_no_rights_in_a_workspace_learns_nothing_of_its_traffic() {
    let (app, client, _) = busy().await;
    let tomasz = colleague(&app, "tomasz", &[("shop", Role::Admin)]).await;
    tomasz.get(&format!("/clients/{}/revoke", client.id)).await.with_status(404);
    let none = [("workspace", "shop")];
    tomasz.post(&format!("/clients/{}/workspaces", client.id), &none).await.with_status(404);
}

#[tokio::test]
async fn an_allow_list_says_whom_it_cuts_off_before_it_is_saved() {
    let (app, client, browser) = busy().await;
    let path = format!("/clients/{}/settings", client.id);
    let preview = async |list: &str| {
        browser.get(&format!("{path}/addresses?addresses={list}")).await.with_status(200).text()
    };
    let lost = "Would cut off 1 caller of the last 7 days: 198.51.100.7, 12 calls.";
    assert!(preview("203.0.113.0/24").await.contains(lost));
    assert!(
        preview("203.0.113.0/24%0A198.51.100.7").await.contains("Lets in all 2 callers of the last 7 days.")
    );
    assert!(preview("nowhere").await.contains("nowhere"));
    assert_eq!(preview("").await.trim(), "");

    let form = |list, seen| {
        [
            ("revision", "1"),
            ("name", "CRM sync"),
            ("version", "v1.11"),
            ("lifetime", "72h"),
            ("limit", ""),
            ("policy", "revealable"),
            ("payload", "record"),
            ("addresses", list),
            ("seen", seen),
        ]
    };
    let asked = browser.post(&path, &form("203.0.113.0/24", "")).await.with_status(422).text();
    assert!(asked.contains("Nothing was saved.") && asked.contains(lost), "{asked}");
    assert!(asked.contains("name=\"seen\" value=\"203.0.113.0/24\""), "{asked}");
    // What was seen of one list is nothing about another.
    browser.post(&path, &form("192.0.2.1", "203.0.113.0/24")).await.with_status(422);
    let stored = async || app.gatepost().show_client(&client.id).await.unwrap().allow_list.to_texts();
    assert!(stored().await.is_empty());
    browser.post(&path, &form("203.0.113.0/24", "203.0.113.0/24")).await.with_status(303);
    assert_eq!(stored().await, ["203.0.113.0/24"]);
    // Whom today's list leaves out is cut off already.
    assert!(preview("203.0.113.0/25").await.contains("Lets in all"));
}

#[tokio::test]
async fn whoever_calls_from_an_address_that_is_cut_off_is_told_so() {
    let (app, client, browser) = busy().await;
    let (number, day) = (client.number, day_of(app.gatepost().now()));
    let mut additions = Additions::default();
    additions.addresses.insert((number, day, IpAddr::from([127, 0, 0, 1])), 3);
    app.gatepost().store().write(move |tx| calls::add(tx, &additions)).await.unwrap();
    let path = format!("/clients/{}/settings/addresses?addresses=203.0.113.0/24", client.id);
    let said = browser.get(&path).await.with_status(200).text();
    assert!(
        said.contains(
            "Would cut off 2 callers of the last 7 days: 198.51.100.7, 12 calls; 127.0.0.1, 3 calls."
        )
    );
    assert!(said.contains("You are calling from an address that this list leaves out."), "{said}");
}
