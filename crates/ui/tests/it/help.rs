//! The help area says what is so: what it shows is run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use gatepost_keys::WebhookKey;
use gatepost_model::{Clock, SystemClock};
use gatepost_testkit::App;

use crate::support::{BASE, Browser, WithStatus, between};

const BODY: &str = r#"{"title":"Glaze the “tall” vase"}"#;

#[tokio::test]
async fn every_page_leads_to_the_help_area() {
    let app = App::start().await;
    let browser = Browser::owner(&app).await;
    let page = browser.get("").await.with_status(200).text();
    for (path, title) in [
        ("api-client-management", "API client management"),
        ("webhook-integration", "Webhook integration"),
        ("api-reference", "API reference"),
    ] {
        assert!(page.contains(&format!("{BASE}/help/{path}")), "{page}");
        let help = browser.get(&format!("/help/{path}")).await.with_status(200).text();
        assert_eq!(between(&help, "<h1>", "</h1>"), title);
        assert!(help.contains(&format!("/help/{path}\" aria-current=\"page\"")), "{help}");
    }
    let clients = browser.get("/help/api-client-management").await.text();
    for word in ["/oauth/token", "business: the-ceramic-school", "72 hours", "like a password"] {
        assert!(clients.contains(word), "{word}");
    }
}

#[tokio::test]
async fn the_reference_has_every_entity_type() {
    let app = App::start().await;
    let browser = Browser::owner(&app).await;
    let index = browser.get("/help/api-reference").await.with_status(200).text();
    for entity in app.gatepost().catalog().entities() {
        let path = format!("/help/api-reference/{}", entity.path);
        assert!(index.contains(&format!("{BASE}{path}\"")), "{path}");
        let page = browser.get(&path).await.with_status(200).text();
        assert!(entity.fields.keys().all(|field| page.contains(&format!("<code>{field}</code>"))), "{path}");
        assert!(page.len() < 60_000, "{path}: {} bytes", page.len());
    }
    browser.get("/help/api-reference/absent").await.with_status(404);
}

#[tokio::test]
async fn the_page_shows_the_snippets_that_are_run() {
    let app = App::start().await;
    let browser = Browser::owner(&app).await;
    let page = browser.get("/help/webhook-integration").await.with_status(200).text();
    for name in ["verify.py", "verify.mjs"] {
        let code = fs::read_to_string(snippets().join(name)).unwrap();
        assert!(unescaped(&page).contains(&code), "{name}");
    }
}

#[test]
fn the_python_snippet_accepts_our_signatures_and_no_others() {
    run("python3", |key, headers, body| {
        let path = snippets();
        format!(
            "import json, sys; sys.dont_write_bytecode = True; sys.path.insert(0, {path:?}); import verify\n\
             print(verify.verify({key:?}, json.loads({headers:?}), {body:?}.encode()))"
        )
    });
}

#[test]
fn the_javascript_snippet_accepts_our_signatures_and_no_others() {
    run("node", |key, headers, body| {
        let path = snippets().join("verify.mjs");
        format!(
            "import({path:?}).then(({{ verify }}) => \
             console.log(verify({key:?}, {headers}, {body:?}) ? 'True' : 'False'))"
        )
    });
}

/// Has a snippet judge a webhook of ours, one whose body was changed, and one that is old.
fn run(program: &str, code: impl Fn(&str, &str, &str) -> String) {
    let key = format!("whsec_{}", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let now = SystemClock::default().now().seconds();
    for (sent, body, good) in [(now, BODY, "True"), (now, "{}", "False"), (now - 3600, BODY, "False")] {
        let ours = WebhookKey::parse(&key).unwrap().sign("evt_1", sent, BODY.as_bytes());
        let headers = format!(
            r#"{{"webhook-id":"evt_1","webhook-timestamp":"{sent}","webhook-signature":"v1,AAAA {ours}"}}"#
        );
        let flag = if program == "node" { "-e" } else { "-c" };
        // A machine may have no node; then its snippet is judged elsewhere.
        let Ok(Output { status, stdout, stderr }) =
            Command::new(program).args([flag, &code(&key, &headers, body)]).output()
        else {
            return;
        };
        assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
        assert_eq!(String::from_utf8_lossy(&stdout).trim(), good);
    }
}

fn snippets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/verify")
}

fn unescaped(page: &str) -> String {
    let pairs = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    pairs.iter().fold(page.to_owned(), |page, (from, to)| page.replace(from, to))
}
