//! Headers, forms from elsewhere, pages that do not exist.

use gatepost_testkit::App;
use http::Method;

use crate::support::{BASE, Browser, EMAIL, PASSWORD, WithStatus, between};
use crate::theirs::Theirs;

/// Every form there is, with a value in place of what stands in braces.
fn forms() -> Vec<String> {
    let posts = gatepost_ui::routes().into_iter().filter(|route| route.method == Method::POST);
    posts.map(|route| Theirs::absent().path(&route.path)).collect()
}

#[tokio::test]
async fn every_page_carries_the_security_headers() {
    let app = App::start().await;
    let browser = Browser::owner(&app).await;
    let gets = gatepost_ui::routes().into_iter().filter(|route| route.method == Method::GET);
    let pages = gets.map(|route| Theirs::absent().path(&route.path)).chain([format!("{BASE}/nowhere")]);
    for path in pages {
        let answer = browser.get(&path).await;
        let shown = |name| answer.header(name).to_owned();
        assert_eq!(
            shown("content-security-policy"),
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            "{path}"
        );
        assert_eq!(shown("x-frame-options"), "DENY");
        assert_eq!(shown("x-content-type-options"), "nosniff");
        assert_eq!(shown("referrer-policy"), "same-origin");
        assert_eq!(shown("cross-origin-opener-policy"), "same-origin");
        assert_eq!(shown("cross-origin-resource-policy"), "same-origin");
        assert_eq!(shown("cache-control"), "no-store", "{path}");
        assert!(shown("x-request-id").starts_with("req_"));
        assert!(answer.status < 500, "{path}: {}", answer.status);
        let html = answer.text();
        for inline in [" style=", " onclick=", " onload=", "<style", "javascript:", "<script>"] {
            assert!(!html.contains(inline), "{inline} in {path}");
        }
    }
}

#[tokio::test]
async fn a_form_from_elsewhere_changes_nothing() {
    let app = App::start().await;
    let browser = Browser::owner(&app).await;
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let foreign: [&[(&str, &str)]; 6] = [
        &[kind],
        &[kind, ("sec-fetch-site", "cross-site")],
        &[kind, ("sec-fetch-site", "same-site")],
        &[kind, ("sec-fetch-site", "none")],
        &[kind, ("origin", "https://evil.example")],
        &[kind, ("origin", "null")],
    ];
    for path in &forms() {
        for headers in foreign {
            let form = String::from("name=stolen&subdomain=stolen&theme=dark");
            let answer = browser.send("POST", path, headers, form).await.with_status(403);
            assert!(answer.text().contains("This form did not come from here"), "{path}");
            assert_eq!(answer.header("set-cookie"), "", "{path}");
        }
    }
    assert!(app.gatepost().list_workspaces().await.unwrap().is_empty());
    browser.get("").await.with_status(200);
    let own = ("origin", "http://gatepost.test");
    let form = format!("email={EMAIL}&password={}", PASSWORD.replace(' ', "+"));
    Browser::new(&app).send("POST", "/sign-in", &[kind, own], form).await.with_status(303);
}

#[tokio::test]
async fn assets_are_kept_for_good_under_names_that_follow_their_content() {
    let app = App::start().await;
    let page = Browser::owner(&app).await.get("").await.with_status(200).text();
    let mut size = page.len();
    for (before, kind) in [
        ("<link rel=\"stylesheet\" href=\"", "text/css; charset=utf-8"),
        ("<link rel=\"icon\" href=\"", "image/svg+xml"),
        ("<script src=\"", "text/javascript; charset=utf-8"),
    ] {
        let path = between(&page, before, "\"");
        let asset = Browser::new(&app).get(path).await.with_status(200);
        assert_eq!(asset.header("content-type"), kind);
        assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
        size += asset.body.len();
    }
    assert!(size < 150_000, "{size} bytes");
    Browser::new(&app).get("/assets/gatepost-0.css").await.with_status(404);
}

#[tokio::test]
async fn what_does_not_exist_or_cannot_be_read_is_a_page_too() {
    let app = App::start().await;
    let browser = Browser::owner(&app).await;
    let absent = browser.get("/clients/cli_none/first-call").await.with_status(404).text();
    assert!(absent.contains("There is no such page") && absent.contains("<!doctype html>"));
    assert!(browser.get("/sign-out").await.with_status(405).text().contains("cannot be used like that"));
    let json = [crate::support::OURS, ("content-type", "application/json")];
    browser.send("POST", "/workspaces", &json, String::from("{}")).await.with_status(400);
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let long = format!("name={}", "x".repeat(300_000));
    browser.send("POST", "/workspaces", &[crate::support::OURS, kind], long).await.with_status(413);
    let moved = browser.get("/").await;
    assert!(moved.status == 308 && moved.header("location") == BASE, "{}", moved.status);
    app.http.get("/v1.11/tasks", &[]).await.with_status(401);
}

#[tokio::test]
async fn a_text_that_no_database_keeps_is_refused_with_words() {
    let app = App::start().await;
    let browser = Browser::owner(&app).await;
    browser.post("/workspaces", &[("subdomain", "shop"), ("name", "Shop")]).await.with_status(303);
    let zero = "a\0b";
    let forms: [(&str, &[(&str, &str)]); 2] = [
        ("/workspaces", &[("subdomain", "other"), ("name", zero)]),
        ("/clients", &[("name", zero), ("workspaces", "shop")]),
    ];
    for (path, form) in forms {
        let status = browser.post(path, form).await.status;
        assert!((400..500).contains(&status), "{path}: {status}");
    }
    assert_eq!(app.gatepost().list_workspaces().await.unwrap().len(), 1, "nothing was kept");
    for path in
        ["?search=a%00b", "/clients/%00", "/deliveries?client=%00", "/deliveries/%00", "/audit?before=%00"]
    {
        let status = browser.get(path).await.status;
        assert!(status < 500, "{path}: {status}");
    }
    let signed_in = Browser::new(&app).sign_in("ines\0@ceramics.example", "wheel\0and kiln").await;
    assert!((400..500).contains(&signed_in.status), "{}", signed_in.status);
}
