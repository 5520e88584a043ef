//! The help area says what is so: what it shows is run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use gatepost_keys::WebhookKey;
use gatepost_model::{Clock, SystemClock};
use gatepost_testkit::{App, Folder};

use crate::support::{BASE, Browser, WithStatus, between, unescaped};

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
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
    for name in
        ["verify.py", "verify.mjs", "verify.rs.txt", "verify.go", "verify.php.txt", "verify-ed25519.mjs"]
    {
        let code = fs::read_to_string(snippets().join(name)).unwrap();
        assert!(unescaped(&page).contains(&code), "{name}");
    }
}

#[tokio::test]
async fn the_schedule_of_retries_is_that_of_the_deployment() {
    let app = App::builder().retries("[\"30s\", \"5m\", \"2h\"]").start().await;
    let browser = Browser::owner(&app).await;
    let page = browser.get("/help/webhook-integration").await.with_status(200).text();
    assert!(page.contains("is tried again up to 3 times"), "{page}");
    let table = between(&page, "<caption class=\"vh\">Attempts</caption>", "</table>");
    let cells: Vec<_> =
        table.split("<td class=\"num\">").skip(3).map(|cell| between(cell, "", "<")).collect();
    assert_eq!(cells, ["30 seconds", "30 s", "5 minutes", "5 min", "2 hours", "2 h 5 min"]);
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

#[test]
fn the_php_snippet_accepts_our_signatures_and_no_others() {
    let code = fs::read_to_string(snippets().join("verify.php.txt")).unwrap();
    run("php", |key, headers, body| {
        let (headers, body) = (headers.replace('\'', "\\'"), body.replace('\'', "\\'"));
        format!("{code} echo verify('{key}', json_decode('{headers}', true), '{body}') ? 'True' : 'False';")
    });
}

#[test]
fn the_go_snippet_accepts_our_signatures_and_no_others() {
    let code = fs::read_to_string(snippets().join("verify.go")).unwrap();
    let (imports, code) = code.split_once('\n').unwrap();
    let imports = imports.strip_prefix("// Imports: ").unwrap().split(", ").chain(["fmt", "os"]);
    let imports: String = imports.map(|name| format!("import \"{name}\"\n")).collect();
    let main = "func main() {\n\tsent := map[string]string{\"webhook-id\": \"evt_1\", \
        \"webhook-timestamp\": os.Args[2], \"webhook-signature\": os.Args[3]}\n\
        \theader := func(name string) string { return sent[name] }\n\
        \tfmt.Println(Verify(os.Args[1], header, []byte(os.Args[4])))\n}\n";
    let folder = Folder::new();
    let program = folder.path().join("main.go");
    fs::write(&program, format!("package main\n{imports}{code}{main}")).unwrap();
    let built = folder.path().join("verify");
    let build = Command::new("go").args(["build", "-o"]).args([&built, &program]).output();
    // A machine may have no Go; then the snippet is judged elsewhere.
    let Ok(Output { status, stderr, .. }) = build else { return };
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    for webhook in Webhook::all() {
        let sent = webhook.sent.to_string();
        let judged = Command::new(&built).args([KEY, &sent, &webhook.signatures, webhook.body]).output();
        let judged = judged.unwrap();
        assert_eq!(String::from_utf8_lossy(&judged.stdout).trim(), webhook.is_good.to_string());
    }
}

#[test]
fn the_rust_snippet_accepts_our_signatures_and_no_others() {
    for Webhook { sent, body, signatures, is_good } in Webhook::all() {
        let now = SystemClock::default().now().seconds();
        let judged = snippet::verify(KEY, "evt_1", sent, &signatures, body.as_bytes(), now);
        assert_eq!(judged, is_good, "{sent} {body}");
    }
}

/// As a reader would take it over.
#[expect(unreachable_pub, reason = "the snippet is written for a module of its reader's own")]
mod snippet {
    include!("../../assets/verify/verify.rs.txt");
}

/// What a receiver may get.
struct Webhook {
    sent: i64,
    body: &'static str,
    signatures: String,
    is_good: bool,
}

impl Webhook {
    /// One of ours, one whose body was changed, and one that is old.
    fn all() -> [Self; 3] {
        let now = SystemClock::default().now().seconds();
        [(now, BODY, true), (now, "{}", false), (now - 3600, BODY, false)].map(|(sent, body, is_good)| {
            let ours = WebhookKey::parse(KEY).unwrap().sign("evt_1", sent, BODY.as_bytes());
            // While a key is being rotated there are two.
            Self { sent, body, signatures: format!("v1,AAAA {ours}"), is_good }
        })
    }
}

/// Has a snippet judge what a receiver may get.
fn run(program: &str, code: impl Fn(&str, &str, &str) -> String) {
    let flag = match program {
        "node" => "-e",
        "php" => "-r",
        _ => "-c",
    };
    for Webhook { sent, body, signatures, is_good } in Webhook::all() {
        let headers = format!(
            r#"{{"webhook-id":"evt_1","webhook-timestamp":"{sent}","webhook-signature":"{signatures}"}}"#
        );
        // A machine may have no such program; then its snippet is judged elsewhere.
        let Ok(Output { status, stdout, stderr }) =
            Command::new(program).args([flag, &code(KEY, &headers, body)]).output()
        else {
            return;
        };
        assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
        let expected = if is_good { "True" } else { "False" };
        assert_eq!(String::from_utf8_lossy(&stdout).trim(), expected);
    }
}

fn snippets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/verify")
}
