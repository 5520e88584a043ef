//! Texts that others wrote never become markup: every stored text with every trick, on every page (ASVS 1.2.1).

use std::collections::BTreeSet;

use gatepost_core::Actor;
use gatepost_core::clients::ClientChange;
use gatepost_testkit::receiver::Script;
use gatepost_testkit::{App, Receiver, make};
use http::Method;

use crate::support::{BASE, Browser, PASSWORD, WithStatus, between};
use crate::theirs::{Theirs, add_person};

/// What would run, load or break out if it stood on a page as it is. None holds a blank, so that each fits everywhere.
const TRICKS: [&str; 7] = [
    "<script>alert(1)</script>",
    "\"><img/src=x/onerror=alert(1)>",
    "'/onmouseover='alert(1)",
    "</textarea><svg/onload=alert(1)>",
    "--><iframe/src=javascript:alert(1)>",
    "{{7*7}}\"${7*7}<b>",
    "\"/autofocus/onfocus=\"alert(1)",
];

/// The stored texts by what stands in front of the trick. Each must be found on some page, or nothing was tested.
const TEXTS: [&str; 9] =
    ["client", "workspace", "person", "email", "invited", "token", "record", "named", "said"];

struct Planted {
    theirs: Theirs,
    owner: Browser,
    invitation: String,
    trick: &'static str,
}

/// A deployment in which every stored text is this trick, with the name of the text in front.
async fn plant(app: &App, trick: &'static str) -> Planted {
    let text = |name: &str| format!("{name}{trick}");
    app.gatepost().create_workspace(&Actor::Cli, "saggar", &text("workspace")).await.unwrap();
    let owner = Browser::owner(app).await;
    let (email, invited) = (text("email").replace('/', "-"), text("invited").replace('/', "-"));
    add_person(app, "usr_person", &text("person"), &format!("{email}@ceramics.example")).await;
    let form = [("email", format!("{invited}@ceramics.example")), ("workspace", String::from("saggar"))];
    let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let page = owner.post("/people/invite", &form).await.with_status(200).text();
    let invitation = between(&page, "<code>http://gatepost.test", "</code>").to_owned();
    let name = text("token");
    let fields = [("scope", "clients:read"), ("workspace", "saggar"), ("days", "30"), ("password", PASSWORD)];
    owner.post("/tokens", &[&[("name", name.as_str())], &fields[..]].concat()).await.with_status(200);
    Planted { theirs: plant_calls(app, trick).await, owner, invitation, trick }
}

/// A client with a delivery and a refused request.
async fn plant_calls(app: &App, trick: &'static str) -> Theirs {
    let receiver = Receiver::start().await;
    receiver.otherwise(Script::Say(trick));
    let text = |name: &str| format!("{name}{trick}");
    let encoded: String = url::form_urlencoded::byte_serialize(trick.as_bytes()).collect();
    let url = receiver.url(&format!("/url{encoded}?q={}", trick.replace(['"', '<', '>', '{', '}'], "'")));
    let client = make::subscriber(&text("client"), &["saggar"], &[url], &["task.create"]);
    let client = app.client(client).await;
    let bearer = app.token(&client).await;
    let task = serde_json::json!({ "title": text("record") });
    app.call("POST", "/v1.11/tasks", &bearer, Some("saggar"), Some(task)).await.with_status(200);
    let tried = app.deliveries_until(None, |found| found.iter().any(|one| one.delivery.attempts > 0)).await;
    let path = format!("/v1.11/tasks/{encoded}?path={encoded}");
    let refused = app.call("GET", &path, &bearer, Some(&text("named")), None).await.expect(400);
    app.gatepost().flush_journal().await.unwrap();
    let stored = app.gatepost().show_client(&client.id).await.unwrap();
    // From now on a form of the first revision comes too late, and is shown again beside what was saved.
    let change = ClientChange { rate_limit: Some(Some(7)), ..ClientChange::default() };
    app.gatepost().update_client(&Actor::Cli, &client.id, change).await.unwrap();
    Theirs {
        url: stored.webhook_urls[0].id.clone(),
        client: client.id,
        client_id: client.client_id,
        delivery: tried[0].delivery.id.clone(),
        request: refused.header("x-request-id").to_owned(),
        person: String::from("usr_person"),
        workspace: String::from("saggar"),
        ..Theirs::absent()
    }
}

/// Nothing in the page is markup that we did not write.
#[track_caller]
fn is_harmless(page: &str, trick: &str, place: &str) {
    assert!(!page.contains(trick), "{trick} stands on {place} as it is: {page}");
    for link in ["href", "src", "action", "formaction"] {
        assert!(!page.contains(&format!("{link}=\"javascript:")), "{place}: {page}");
    }
    let scripts = page.matches("<script").count();
    assert_eq!(scripts, page.matches("<script src=\"/settings/api-manager/assets/").count(), "{place}");
}

/// A page as a person reads it.
fn read(page: &str) -> String {
    let marks =
        [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&"), ("\\\"", "\"")];
    marks.iter().fold(page.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

#[tokio::test]
async fn no_stored_text_becomes_markup_on_any_page() {
    for trick in TRICKS {
        let app = App::start().await;
        let planted = plant(&app, trick).await;
        let mut found = BTreeSet::new();
        let mut look = |page: &str, place: &str| {
            is_harmless(page, trick, place);
            let page = read(page);
            let said = page.contains("x-said") && page.contains(trick);
            found.extend(TEXTS.into_iter().filter(|name| match *name {
                "said" => said,
                "email" | "invited" => page.contains(&format!("{name}{}", trick.replace('/', "-"))),
                name => page.contains(&format!("{name}{trick}")),
            }));
        };
        let pages = gatepost_ui::routes().into_iter().filter(|route| route.method == Method::GET);
        for page in pages.filter(|page| !page.path.starts_with(&format!("{BASE}/assets/"))) {
            let path = planted.theirs.path(&page.path);
            look(&planted.owner.get(&path).await.text(), &path);
        }
        let stranger = Browser::new(&app);
        look(&stranger.get(&planted.invitation).await.with_status(200).text(), "the invitation");
        for (form, page) in planted.forms().await {
            look(&page, &form);
        }
        assert_eq!(found, BTreeSet::from(TEXTS), "with {trick}");
    }
}

impl Planted {
    /// What every form answers when it is sent with the trick in every field.
    async fn forms(&self) -> Vec<(String, String)> {
        let names = ["name", "email", "workspace", "workspaces", "methods", "url", "confirm", "lifetime"];
        let more = ["limit", "addresses", "version", "policy", "role", "text", "code", "subdomain", "scope"];
        let mut form: Vec<_> = names.iter().chain(&more).map(|name| (*name, self.trick)).collect();
        form.push(("revision", "1"));
        let mut pages = Vec::new();
        let routes = gatepost_ui::routes().into_iter().filter(|route| route.method == Method::POST);
        for route in routes.filter(|route| !route.path.contains("/sign-out")) {
            let path = self.theirs.path(&route.path);
            let page = self.owner.post(&path, &form).await;
            assert!(page.status < 500, "{path}: {}", page.status);
            pages.push((format!("POST {path}"), page.text()));
        }
        pages
    }
}
