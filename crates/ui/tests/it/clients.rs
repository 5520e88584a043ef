//! The list, making a client, its first call, workspaces.

use gatepost_core::clients::NewClient;
use gatepost_model::Role;
use gatepost_testkit::{App, TestClient};

use crate::support::{Browser, WithStatus, between, colleague};

const NASTY: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";

fn named(name: &str, workspace: &str) -> NewClient {
    NewClient { workspaces: vec![workspace.to_owned()], ..NewClient::named(name) }
}

#[tokio::test]
async fn a_client_is_made_shown_and_its_first_call_turns_green() {
    let app = App::start().await;
    app.workspace("the-ceramic-school").await;
    let browser = Browser::owner(&app).await;
    let form = browser.get("/clients/new").await.with_status(200).text();
    assert!(form.contains("value=\"the-ceramic-school\" checked"), "the only workspace is ticked: {form}");

    let made = browser.post("/clients", &[("name", "CRM sync"), ("workspace", "the-ceramic-school")]).await;
    let made = made.with_status(200);
    assert_eq!(made.header("cache-control"), "no-store");
    let made = made.text();
    assert!(made.contains("CRM sync is ready"));
    let secret = between(&made, "data-copy=\"gps_", "\"");
    let id = between(&made, "/clients/cli_", "\"").to_owned();
    let client = TestClient {
        id: format!("cli_{id}"),
        client_id: format!("gpc_{}", between(&made, "data-copy=\"gpc_", "\"")),
        secret: format!("gps_{secret}"),
        signing_keys: Vec::new(),
    };
    assert!(
        made.contains("business: <mark>the-ceramic-school</mark>")
            && made.contains("hx-trigger=\"every 2s\"")
    );

    let path = format!("/clients/{}/first-call", client.id);
    let part = async || browser.send("GET", &path, &[("hx-request", "true")], String::new()).await.text();
    assert!(part().await.contains("Waiting for the first call"));
    let whole = browser.get(&path).await.with_status(200).text();
    assert!(!whole.contains(&client.secret), "the secret is in the first answer alone");

    let token = app.token(&client).await;
    app.gatepost().flush_journal().await.unwrap();
    assert!(part().await.contains("It has a token."));
    app.call("GET", "/v1.11/tasks", &token, Some("the-ceramic-school"), None).await.with_status(200);
    app.gatepost().flush_journal().await.unwrap();
    let passed = part().await;
    assert!(passed.contains("First call passed") && passed.contains("data-tone=\"ok\""), "{passed}");
    assert!(!passed.contains("hx-trigger"), "there is nothing left to wait for");
}

#[tokio::test]
async fn a_refused_first_call_is_explained_in_place_until_one_passes() {
    let app = App::start().await;
    app.workspace("shop").await;
    app.workspace("kiln").await;
    let client = app.client(named("Billing", "shop")).await;
    let browser = Browser::owner(&app).await;
    let path = format!("/clients/{}/first-call", client.id);
    let poll = async |path: &str| browser.send("GET", path, &[("hx-request", "true")], String::new()).await;
    let part = poll(&path).await.with_status(200).text();
    let again = between(&part, "hx-get=\"", "\"").replace("&#38;", "&");
    poll(&again).await.with_status(204);

    let token = app.token(&client).await;
    let call = async |business: Option<&str>, status: u16| {
        app.call("GET", "/v1.11/tasks", &token, business, None).await.with_status(status);
        app.gatepost().flush_journal().await.unwrap();
    };
    call(None, 400).await;
    let missing = poll(&again).await.with_status(200).text();
    assert!(missing.contains("First call refused") && missing.contains("data-tone=\"bad\""), "{missing}");
    assert!(
        missing.contains("stopped at check 5 of 8: workspace. No business header was sent."),
        "{missing}"
    );
    assert!(missing.contains("business: shop"), "{missing}");
    call(Some("kiln"), 400).await;
    let page = browser.get(&path).await.with_status(200).text();
    assert!(page.contains("The header asked for kiln. Billing was not enabled there."), "{page}");
    assert!(page.contains("Enable kiln for Billing") && page.contains("See all eight checks"), "{page}");
    let fields = [
        ("revision", between(&page, "name=\"revision\" value=\"", "\"")),
        ("workspace", "shop"),
        ("workspace", "kiln"),
        ("return", between(&page, "name=\"return\" value=\"", "\"")),
    ];
    let saved = browser.post(&format!("/clients/{}/workspaces", client.id), &fields).await.with_status(303);
    assert!(saved.header("location").ends_with(&path), "back where one came from");
    let mended = browser.get(&path).await.with_status(200).text();
    assert!(mended.contains("Billing is enabled for kiln meanwhile. Send the request again."), "{mended}");
    call(Some("kiln"), 200).await;
    let again = between(&mended, "hx-get=\"", "\"").replace("&#38;", "&");
    let passed = poll(&again).await.with_status(200).text();
    assert!(passed.contains("First call passed") && !passed.contains("hx-get"), "{passed}");
    app.token(&client).await;
    call(None, 400).await;
    assert!(poll(&path).await.text().contains("First call passed"), "the first call stays the first");
}

#[tokio::test]
async fn what_is_missing_for_a_new_client_is_said_at_its_field() {
    let app = App::start().await;
    app.workspace("one").await;
    app.workspace("two").await;
    app.client(named("Billing", "one")).await;
    let browser = Browser::owner(&app).await;
    let nothing = browser.post("/clients", &[]).await.with_status(422).text();
    assert!(
        nothing.contains("Give it a name.") && nothing.contains("Tick at least one workspace"),
        "{nothing}"
    );
    let twice = browser.post("/clients", &[("name", " billing "), ("workspace", "two")]).await;
    let twice = twice.with_status(422).text();
    assert!(twice.contains("There is already a client named “billing”."), "{twice}");
    assert!(twice.contains("value=\"two\" checked"), "what was chosen is kept");
    let nowhere = browser.post("/clients", &[("name", "x"), ("workspace", "nowhere")]).await.with_status(422);
    assert!(nowhere.text().contains("There is no workspace with the subdomain"));
    assert_eq!(browser.get("").await.text().matches("class=\"name\"").count(), 1);
}

#[tokio::test]
async fn the_list_is_searched_filtered_sorted_and_paged() {
    let app = App::start().await;
    app.workspace("one").await;
    app.workspace("two").await;
    for number in 0..30 {
        let workspace = if number % 3 == 0 { "one" } else { "two" };
        app.client(named(&format!("Tool {number:02}"), workspace)).await;
    }
    let url = NewClient {
        webhook_urls: vec![String::from("https://hooks.ledgerline.example/in")],
        ..named("Billing", "one")
    };
    let billing = app.client(url).await;
    let browser = Browser::owner(&app).await;
    let names = async |query: &str| -> Vec<String> {
        let page = browser.get(query).await.with_status(200).text();
        let rows = page.split("class=\"name\" href=\"").skip(1);
        rows.map(|row| between(row, ">", "<").to_owned()).collect()
    };
    assert_eq!(names("").await.len(), 25);
    assert_eq!(names("?q=tool+07").await, ["Tool 07"]);
    assert_eq!(names("?q=LEDGERLINE").await, ["Billing"]);
    assert_eq!(names(&format!("?q={}", billing.client_id)).await, ["Billing"]);
    assert_eq!(names("?workspace=one").await.len(), 11);
    assert_eq!(names("?q=nothing+at+all").await.len(), 0);
    let sorted = names("?sort=name").await;
    assert_eq!((sorted[0].as_str(), sorted[1].as_str()), ("Billing", "Tool 00"));
    assert_eq!(names("?sort=name&direction=reversed").await[0], "Tool 29");

    let first = browser.get("?sort=name").await.text();
    assert!(first.contains("1 to 25 of 31 clients"));
    let next = between(&first, "aria-disabled=\"true\"", "Next").to_owned();
    let next = between(&next, "href=\"", "\"").replace("&#38;", "&");
    let second = names(&next).await;
    assert_eq!(second.len(), 6);
    assert!(sorted.iter().all(|name| !second.contains(name)));
    let page = browser.get(&next).await.text();
    let pager = between(&page, "<nav class=\"pager\"", "</nav>");
    let previous = between(pager, "href=\"", "\"").replace("&#38;", "&");
    assert_eq!(names(&previous).await, sorted);

    app.gatepost().disable_client(&gatepost_core::Actor::Cli, &billing.id).await.unwrap();
    assert_eq!(names("?status=disabled").await, ["Billing"]);
    assert!(browser.get("?status=disabled").await.text().contains("By the command line, "));
}

#[tokio::test]
async fn p7_the_list_holds_only_what_the_user_manages() {
    let app = App::start().await;
    for name in ["mine", "theirs"] {
        app.workspace(name).await;
    }
    app.client(named("Mine alone", "mine")).await;
    app.client(named("Theirs alone", "theirs")).await;
    let both = NewClient {
        workspaces: vec![String::from("mine"), String::from("theirs")],
        ..NewClient::named("Of both")
    };
    app.client(both).await;
    let owner = Browser::owner(&app).await;
    let admin = colleague(&app, "aiko", &[("mine", Role::Admin), ("theirs", Role::Member)]).await;
    let member = colleague(&app, "tomasz", &[("mine", Role::Member)]).await;
    assert!(owner.get("").await.text().contains("1 to 3 of 3 clients"));
    let page = admin.get("").await.text();
    assert!(page.contains("1 to 1 of 1 client<") && page.contains("Mine alone"), "{page}");
    assert!(!page.contains("Of both") && !page.contains("Theirs alone"));
    assert!(admin.get("?workspace=theirs").await.text().contains("No client matches"));
    assert!(member.get("").await.text().contains("No clients yet"));
    let taken = admin.post("/clients", &[("name", "x"), ("workspace", "theirs")]).await.with_status(422);
    assert!(taken.text().contains("There is no workspace with the subdomain &#34;theirs&#34;"));
}

#[tokio::test]
async fn stored_text_is_never_markup() {
    let app = App::start().await;
    app.workspace("one").await;
    let browser = Browser::owner(&app).await;
    let made =
        browser.post("/clients", &[("name", NASTY), ("workspace", "one")]).await.with_status(200).text();
    let workspace = [("name", NASTY), ("subdomain", "nasty")];
    browser.post("/workspaces", &workspace).await.with_status(303);
    let id = format!("/clients/cli_{}", between(&made, "/clients/cli_", "\""));
    let settings = format!("{id}/settings");
    let stale = [("revision", "0"), ("name", NASTY), ("addresses", NASTY), ("lifetime", NASTY)];
    let wrong =
        [("revision", "1"), ("name", NASTY), ("addresses", NASTY), ("lifetime", NASTY), ("limit", NASTY)];
    let pages = [
        made,
        browser.get(&id).await.with_status(200).text(),
        browser.get(&format!("{id}/revoke")).await.with_status(200).text(),
        browser.get(&format!("{id}/rotate")).await.with_status(200).text(),
        browser.get(&settings).await.with_status(200).text(),
        browser.post(&settings, &stale).await.with_status(409).text(),
        browser.post(&settings, &wrong).await.with_status(422).text(),
        browser.post(&format!("{id}/urls"), &[("url", NASTY)]).await.with_status(422).text(),
        browser.get("/audit").await.with_status(200).text(),
        browser.get("/deliveries").await.with_status(200).text(),
        browser.get("").await.text(),
        browser.get("/workspaces").await.text(),
        browser.get("/clients/new").await.text(),
        browser.get("/account").await.text(),
        browser.post("/clients", &[("name", NASTY)]).await.text(),
        browser.post("/workspaces", &[("name", NASTY), ("subdomain", NASTY)]).await.text(),
        browser
            .get(&format!("?q={}&workspace={}", "%3Cscript%3Ealert(1)", "%22%3E%3Cscript%3E"))
            .await
            .text(),
        browser.post("/sign-in", &[("email", NASTY), ("return", NASTY), ("password", "x")]).await.text(),
    ];
    for page in pages {
        assert!(!page.contains("<script>") && !page.contains("<img"), "{page}");
    }
}

#[tokio::test]
async fn whoever_makes_a_workspace_owns_it() {
    let app = App::start().await;
    let browser = Browser::owner(&app).await;
    assert!(browser.get("/clients/new").await.text().contains("You administer no workspace yet."));
    let bad = browser.post("/workspaces", &[("name", "School"), ("subdomain", "The School")]).await;
    assert!(bad.with_status(422).text().contains("cannot be a workspace&#39;s subdomain"));
    let made =
        browser.post("/workspaces", &[("name", "School"), ("subdomain", "school")]).await.with_status(303);
    assert_eq!(made.header("location"), "/settings/api-manager/workspaces");
    let page = browser.get("/workspaces").await.text();
    assert!(page.contains("The workspace is there, and you own it.") && page.contains("School"), "{page}");
    let again = browser.get("/workspaces").await.text();
    assert!(!again.contains("The workspace is there"), "said once");
    let taken =
        browser.post("/workspaces", &[("name", "Other"), ("subdomain", "school")]).await.with_status(422);
    assert!(taken.text().contains("There is already a workspace with the subdomain"));
}
