//! What holds on every page: found by following the links, so that a new page is looked at without being named here.

use std::collections::{BTreeMap, VecDeque};

use gatepost_testkit::{App, Browser, Receiver, make};
use serde_json::{Value, json};

use crate::support::{BASE, SCHOOL, SHOP, TASKS, make_owner, sign_in};

/// Of Deque Systems, as its maker ships it.
const AXE: &str = include_str!("../../../testkit/assets/axe-4.14.1.min.js");

/// What one page may cost: HTML, style, script and pictures as they travel (`ui.md` 8).
const BYTES: u64 = 150_000;

/// A page has one of these in its path where it is about one thing.
const IDS: [&str; 8] = ["cli_", "dlv_", "usr_", "whu_", "url_", "req_", "evt_", "wsp_"];

#[tokio::test]
async fn every_page_is_accessible_small_and_fits_a_phone() {
    let (app, receiver) = (App::start().await, Receiver::start().await);
    furnish(&app, &receiver).await;
    make_owner(&app).await;
    let browser = Browser::open(app.http.base()).await;
    let mut wrong = Vec::new();
    look_at(&browser, &format!("{BASE}/sign-in"), &mut wrong).await;
    sign_in(&browser).await;

    let (mut known, mut waiting) = (BTreeMap::new(), VecDeque::from([BASE.to_owned()]));
    while let Some(path) = waiting.pop_front() {
        for link in look_at(&browser, &path, &mut wrong).await {
            if known.insert(kind(&link), link.clone()).is_none() && kind(&link) != kind(BASE) {
                waiting.push_back(link);
            }
        }
    }
    assert!(known.len() > 15, "so few pages are linked: {known:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A deployment with something on each page.
pub(crate) async fn furnish(app: &App, receiver: &Receiver) {
    app.workspace(SCHOOL).await;
    app.workspace(SHOP).await;
    let urls = [receiver.url(&format!("/hooks/{}", "a-long-path-without-a-break".repeat(4)))];
    let name = "CRM sync of the ceramic school, with a name that is longer than any column is wide";
    let client = app.client(make::subscriber(name, &[SCHOOL], &urls, &["task.*"])).await;
    let token = app.token(&client).await;
    let task = json!({ "title": "Fire the kiln" });
    let _ = app.call("POST", TASKS, &token, Some(SCHOOL), Some(task)).await.expect(200);
    let _ = app.call("GET", TASKS, &token, Some(SHOP), None).await.expect(400);
    receiver.wait_for(1).await;
    app.client(make::client("Report", &[SHOP])).await;
}

/// The page without what makes it about this thing or that one.
fn kind(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let part = |part: &str| match IDS.iter().find(|id| part.starts_with(**id)) {
        Some(id) => (*id).to_owned(),
        None => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Looks at a page in light, dark and narrow, and gives its links to other pages.
async fn look_at(browser: &Browser, path: &str, wrong: &mut Vec<String>) -> Vec<String> {
    browser.resize(1440, 1000).await;
    browser.darken(false).await;
    browser.go(path).await;
    let bytes = browser.run(SHIPPED, &[]).await.as_u64().unwrap_or(u64::MAX);
    if bytes > BYTES {
        wrong.push(format!("{path} ships {bytes} bytes"));
    }
    browser.run(AXE, &[]).await;
    complain(wrong, &format!("{path}, light"), &browser.run(ALL_RULES, &[]).await);
    browser.darken(true).await;
    complain(wrong, &format!("{path}, dark"), &browser.run(COLOURS, &[]).await);
    browser.darken(false).await;
    for width in [390, 360] {
        browser.resize(width, 800).await;
        let wide = browser.run("return document.documentElement.scrollWidth", &[]).await;
        if wide.as_u64().is_none_or(|wide| wide > u64::from(width)) {
            wrong.push(format!("{path} scrolls sideways at {width}: it is {wide} wide"));
        }
    }
    complain(wrong, &format!("{path}, narrow"), &browser.run(ALL_RULES, &[]).await);
    let links = browser.run(LINKS, &[json!(BASE)]).await;
    links.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn complain(wrong: &mut Vec<String>, page: &str, violations: &Value) {
    for violation in violations.as_array().into_iter().flatten() {
        wrong.push(format!("{page}: {violation}"));
    }
}

/// As they would travel to a browser that was never here.
const SHIPPED: &str = "const all = ['navigation', 'resource'].flatMap((kind) => performance.getEntriesByType(kind)); \
    return all.reduce((sum, entry) => sum + entry.encodedBodySize, 0)";

const ALL_RULES: &str = "return axe.run().then((found) => found.violations.map((rule) => \
    [rule.impact, rule.id, rule.nodes.map((node) => node.html.slice(0, 200)).slice(0, 3)]))";

const COLOURS: &str = "return axe.run({ runOnly: ['color-contrast'] }).then((found) => found.violations.map((rule) => \
    [rule.impact, rule.id, rule.nodes.map((node) => node.html.slice(0, 200)).slice(0, 3)]))";

const LINKS: &str = "return [...document.querySelectorAll('a[href]')].map((a) => new URL(a.href)) \
    .filter((url) => url.origin === location.origin && url.pathname.startsWith(arguments[0])) \
    .map((url) => url.pathname + url.search)";
