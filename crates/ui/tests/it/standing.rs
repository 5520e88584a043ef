//! How each client is doing, from what was counted: in the list, its filters and its order, and on the client's page.

use std::time::Duration;

use gatepost_core::Actor;
use gatepost_core::clients::{ClientChange, ListChange, NewClient};
use gatepost_model::webhook::{Attempt, Outcome};
use gatepost_model::{Role, Timestamp};
use gatepost_store::tables::webhook_urls;
use gatepost_testkit::{App, TestClient};

use crate::support::{Browser, EMAIL, PASSWORD, WithStatus, between, colleague};

const HOUR: Duration = Duration::from_secs(3600);

/// A server whose clock stands at noon.
async fn app() -> App {
    let app = App::builder().clock_at(Timestamp::from_seconds(1_795_521_600)).start().await;
    for name in ["shop", "kiln", "others"] {
        app.workspace(name).await;
    }
    app
}

async fn client(app: &App, name: &str) -> TestClient {
    app.client(NewClient { workspaces: vec![String::from("shop")], ..NewClient::named(name) }).await
}

async fn hooked(app: &App, name: &str) -> TestClient {
    let new = NewClient {
        workspaces: vec![String::from("shop")],
        webhook_urls: vec![String::from("https://hooks.example.com/in")],
        ..NewClient::named(name)
    };
    app.client(new).await
}

async fn call(app: &App, client: &TestClient, business: &[Option<&str>]) {
    let token = app.token(client).await;
    for named in business {
        app.call("GET", "/v1.11/tasks", &token, *named, None).await;
    }
    app.gatepost().flush_journal().await.unwrap();
}

/// Each row of the list: name, chip, reason.
async fn rows(browser: &Browser, query: &str) -> Vec<(String, String, String)> {
    let page = browser.get(query).await.with_status(200).text();
    let rows = page.split("class=\"name\" href=\"").skip(1);
    let row = |row: &str| {
        let status = between(row, "class=\"st\">", "</td>").to_owned();
        let reason =
            if status.contains("class=\"why\"") { between(&status, "class=\"why\">", "<") } else { "" };
        let chip = between(&status, "</svg>", "<").to_owned();
        (between(row, ">", "<").to_owned(), chip, reason.to_owned())
    };
    rows.map(row).collect()
}

fn names(rows: &[(String, String, String)]) -> Vec<&str> {
    rows.iter().map(|(name, ..)| name.as_str()).collect()
}

/// Attempts to deliver something to the client's URL, as the dispatcher counts them.
async fn attempts(app: &App, client: &TestClient, outcomes: &[(Outcome, usize)]) {
    let gatepost = app.gatepost();
    let whole = gatepost.show_client(&client.id).await.unwrap();
    let attempt = |outcome| Attempt {
        delivery_id: String::from("dlv_1"),
        number: 1,
        started_at: gatepost.now(),
        duration_us: 1_000,
        outcome,
        status: None,
        error: None,
        address: None,
        request_headers: String::from("[]"),
        response_headers: None,
        reply: None,
        client_revision: 1,
    };
    for (outcome, many) in outcomes {
        for _ in 0..*many {
            let method = "task.edit".parse().unwrap();
            gatepost.note_attempt(whole.number, &whole.webhook_urls[0].id, &method, &attempt(*outcome));
        }
    }
    gatepost.flush_attempts().await.unwrap();
}

#[tokio::test]
async fn each_client_says_what_is_wrong_with_it() {
    let app = app().await;
    let (cli, gatepost) = (Actor::Cli, app.gatepost());
    let unused = client(&app, "Unused").await;
    let fine = client(&app, "Fine").await;
    let silent = client(&app, "Silent").await;
    let abroad = client(&app, "Abroad").await;
    let lost = client(&app, "Lost").await;
    let mended = client(&app, "Mended").await;
    let busy =
        NewClient { workspaces: vec![String::from("shop")], rate_limit: Some(1), ..NewClient::named("Busy") };
    let busy = app.client(busy).await;
    let old = client(&app, "Old secret").await;
    let ending = client(&app, "Ending").await;
    let hooked = hooked(&app, "Hooked").await;
    let off = client(&app, "Off").await;
    let gone = client(&app, "Gone").await;
    gatepost.disable_client(&cli, &off.id).await.unwrap();
    gatepost.revoke_client(&cli, &gone.id).await.unwrap();
    app.advance(HOUR * 24);

    for rotated in [&old, &ending] {
        gatepost.rotate_secret(&cli, &rotated.id, HOUR * 24 * 4).await.unwrap();
    }
    call(&app, &ending, &[Some("shop")]).await;
    app.advance(HOUR * 20);
    let whole = gatepost.show_client(&hooked.id).await.unwrap();
    let (number, url) = (whole.number, whole.webhook_urls[0].id.clone());
    let disabled = gatepost.store().write(move |tx| webhook_urls::disable(tx, number, &url, "410 Gone"));
    assert!(disabled.await.unwrap());
    call(&app, &fine, &[Some("shop")]).await;
    call(&app, &silent, &[Some("shop"), None, None]).await;
    call(&app, &abroad, &[Some("kiln"), Some("kiln"), Some("kiln")]).await;
    call(&app, &lost, &[Some("nowhere"), Some("kiln")]).await;
    call(&app, &mended, &[Some("kiln")]).await;
    call(&app, &busy, &[Some("shop"), Some("shop"), Some("shop")]).await;
    call(&app, &old, &[Some("shop"), Some("shop")]).await;
    let mend = ClientChange {
        workspaces: ListChange { add: vec![String::from("kiln")], ..Default::default() },
        ..Default::default()
    };
    gatepost.update_client(&cli, &mended.id, mend).await.unwrap();

    let browser = Browser::owner(&app).await;
    let all = rows(&browser, "").await;
    let told: Vec<_> =
        all.iter().map(|(name, chip, why)| (name.as_str(), chip.as_str(), why.as_str())).collect();
    let by = |name: &str| told.iter().find(|(known, ..)| *known == name).copied().unwrap();
    assert!(by("Off").2.starts_with("By the command line, "), "{told:?}");
    let expected = [
        ("Hooked", "Webhook failing", "1 URL disabled"),
        ("Silent", "No workspace header", "2 refused in 24 h"),
        ("Abroad", "Workspace not enabled", "3 refused for kiln in 24 h"),
        ("Lost", "Workspace not enabled", "2 refused in 24 h"),
        ("Old secret", "Old secret in use", "2 calls in 2 h"),
        ("Ending", "Secret ends soon", "Ends in 3 days, still used"),
        ("Busy", "Rate limit reached", "2 calls refused in 24 h"),
        ("Fine", "Active", ""),
        ("Mended", "Active", ""),
        ("Unused", "Never used", "Created 1 day ago"),
        ("Off", "Disabled", by("Off").2),
        ("Gone", "Revoked", by("Gone").2),
    ];
    assert_eq!(told, expected);

    let attention = rows(&browser, "?status=attention").await;
    assert_eq!(names(&attention), names(&all)[..7]);
    assert_eq!(rows(&browser, "?status=active").await.len(), 9);
    assert_eq!(names(&rows(&browser, "?status=never-used").await), ["Unused"]);
    assert_eq!(names(&rows(&browser, "?status=revoked").await), ["Gone"]);
    let page = browser.get("").await.text();
    assert!(page.contains("Needs attention <span class=\"count\">7</span>"), "{page}");
    let reversed: Vec<_> = rows(&browser, "?direction=reversed").await.into_iter().rev().collect();
    assert_eq!(reversed, all);

    for made in [&unused, &fine, &silent, &abroad, &lost, &mended, &old, &ending, &busy, &hooked, &off, &gone]
    {
        let page = browser.get(&format!("/clients/{}", made.id)).await.with_status(200).text();
        let name = between(&page, "<h1>", "</h1>").to_owned();
        let (_, chip, reason) = by(&name);
        let head = between(&page, "</h1>", "</div>");
        assert!(head.contains(chip), "{name}: {head}");
        assert!(page.contains(reason), "{name}: {reason}");
    }
}

#[tokio::test]
async fn a_receiver_that_fails_half_of_the_time_is_told_for_a_day_or_until_its_url_is_removed() {
    let app = app().await;
    let few = hooked(&app, "Few").await;
    attempts(&app, &few, &[(Outcome::Timeout, 4)]).await;
    let fair = hooked(&app, "Fair").await;
    attempts(&app, &fair, &[(Outcome::Delivered, 4), (Outcome::Timeout, 3)]).await;
    let failing = hooked(&app, "Failing").await;
    attempts(&app, &failing, &[(Outcome::Delivered, 3), (Outcome::Timeout, 2), (Outcome::Status, 1)]).await;
    let mended = hooked(&app, "Mended").await;
    attempts(&app, &mended, &[(Outcome::Timeout, 9)]).await;
    let change = ClientChange {
        webhook_urls: ListChange {
            remove: vec![String::from("https://hooks.example.com/in")],
            ..Default::default()
        },
        ..Default::default()
    };
    app.gatepost().update_client(&Actor::Cli, &mended.id, change).await.unwrap();
    let browser = Browser::owner(&app).await;
    let failing_row = ("Failing", "Webhook failing", "3 of 6 attempts failed in 24 h");
    let attention = rows(&browser, "?status=attention").await;
    let told: Vec<_> =
        attention.iter().map(|(name, chip, why)| (name.as_str(), chip.as_str(), why.as_str())).collect();
    assert_eq!(told, [failing_row]);
    let page = browser.get(&format!("/clients/{}", failing.id)).await.with_status(200).text();
    assert!(page.contains(failing_row.2) && page.contains("See the deliveries"), "{page}");
    app.advance(HOUR * 26);
    browser.sign_in(EMAIL, PASSWORD).await.with_status(303);
    assert!(rows(&browser, "?status=attention").await.is_empty());
}

#[tokio::test]
async fn the_calls_of_seven_days_are_drawn_with_their_refusals() {
    let app = app().await;
    let made = client(&app, "Billing").await;
    call(&app, &made, &[Some("shop")]).await;
    app.advance(HOUR * 24 * 7);
    let browser = Browser::owner(&app).await;
    let cell = async || between(&browser.get("").await.text(), "class=\"num beside\">", "</td>").to_owned();
    assert_eq!(cell().await, "0", "a week ago is not among the last seven days");
    call(&app, &made, &[Some("shop"), Some("shop"), None]).await;
    let busy = cell().await;
    assert!(busy.starts_with("3<span class=\"vh\"> calls, 1 refused</span><svg class=\"spark\""), "{busy}");
    assert!(busy.contains("<rect x=\"63\" y=\"0.0\" width=\"8\" height=\"18.0\""), "today is last: {busy}");
    assert!(busy.contains("<rect class=\"b\" x=\"63\" y=\"12.0\" width=\"8\" height=\"6.0\""), "{busy}");
}

#[tokio::test]
async fn p7_a_workspace_of_others_is_not_named() {
    let app = app().await;
    let made = client(&app, "Billing").await;
    call(&app, &made, &[Some("kiln")]).await;
    let owner = Browser::owner(&app).await;
    assert_eq!(rows(&owner, "").await[0].2, "1 refused for kiln in 24 h");
    let admin = colleague(&app, "aiko", &[("shop", Role::Admin), ("kiln", Role::Member)]).await;
    assert_eq!(rows(&admin, "").await[0].2, "1 refused in 24 h");
    let page = admin.get(&format!("/clients/{}", made.id)).await.with_status(200).text();
    assert!(!page.contains("kiln"), "{page}");
}
