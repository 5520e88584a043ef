//! Nothing secret leaves the places where it belongs (S7, S12), and strangers cannot write the log (P5).

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use gatepost_testkit::receiver::Script;
use gatepost_testkit::{Answer, Process, Receiver, TestClient};
use serde_json::{Value, json};

use super::{altered, basic, credentials, form};
use crate::support::{SCHOOL, TASKS, text};

/// Everything is logged, as machines read it, and a webhook that failed stays in the table.
const CHATTY: &str = "retry_schedule = [\"1h\"]\n[log]\nlevel = \"trace\"\nformat = \"json\"";

/// What must not be found, and where it was looked for.
#[derive(Default)]
struct Search {
    secrets: Vec<String>,
    texts: Vec<(String, String)>,
}

impl Search {
    /// A secret, token or key was seen.
    fn seen(&mut self, secret: &str) {
        if !self.secrets.iter().any(|seen| seen == secret) {
            self.secrets.push(secret.to_owned());
        }
    }

    /// A text in which none may be found. Its bytes stand for letters, whatever they are.
    fn look_into(&mut self, place: impl Into<String>, bytes: &[u8]) {
        self.texts.push((place.into(), bytes.iter().map(|byte| char::from(*byte)).collect()));
    }

    /// Looks into the answer of a request that failed.
    fn failed(&mut self, place: &str, answer: Answer) {
        assert!(answer.status >= 400, "{place}: {}", answer.status);
        self.look_into(format!("the answer to {place}"), &answer.body);
        self.look_into(format!("the headers to {place}"), format!("{:?}", answer.headers).as_bytes());
    }

    /// Looks into every file below a folder but that of the keys.
    fn look_below(&mut self, folder: &Path) {
        for file in files(folder) {
            if file.file_name().is_some_and(|name| name != "keys.toml") {
                let bytes = std::fs::read(&file).unwrap();
                self.look_into(file.display().to_string(), &bytes);
            }
        }
    }

    fn finish(&self) {
        for secret in &self.secrets {
            for form in forms(secret) {
                for (place, text) in &self.texts {
                    if let Some(at) = text.find(&form) {
                        let around: String = text[..at].chars().rev().take(200).collect();
                        let around: String = around.chars().rev().collect();
                        panic!("{place} holds {} as {form}, after {around}", &secret[..8]);
                    }
                }
            }
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}

/// A secret as it could stand somewhere: its core, that in base 64 at each of the three offsets and in hexadecimal, and
/// the bytes that it stands for, as they are and in hexadecimal.
fn forms(secret: &str) -> Vec<String> {
    let core = secret.split_once('_').unwrap().1.trim_end_matches('=');
    let core = &core[..core.len().min(40)];
    let mut forms = vec![core.to_owned(), hexadecimal(core.as_bytes())];
    for offset in 0..3 {
        // The first and last letters of an encoding depend on what stands around.
        let encoded = STANDARD_NO_PAD.encode(format!("{}{core}", "x".repeat(offset)));
        forms.push(encoded[4..encoded.len() - 4].to_owned());
    }
    let token = secret.strip_prefix("gpt_").and_then(gatepost_keys::base62::decode::<48>);
    let key =
        secret.strip_prefix("whsec_").map(|key| STANDARD_NO_PAD.decode(key.trim_end_matches('=')).unwrap());
    for bytes in token.map(Vec::from).into_iter().chain(key) {
        forms.extend([bytes.iter().map(|byte| char::from(*byte)).collect(), hexadecimal(&bytes)]);
    }
    forms
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The token in an answer of the token endpoint.
fn token(search: &mut Search, answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let token = text(&answer.json(), "access_token");
    search.seen(&token);
    token
}

/// A client is made, shown, rotated, cut off; what the command line says without being asked for secrets is looked into.
async fn manage(server: &Process, search: &mut Search, client: &TestClient) -> String {
    let cli = server.cli();
    let revealed = cli.json(&["client", "reveal", &client.id]).await;
    assert_eq!(revealed["clientSecret"], client.secret);
    let rotated = text(&cli.json(&["client", "rotate", &client.id, "--overlap", "1h"]).await, "clientSecret");
    search.seen(&rotated);
    let added =
        cli.json(&["client", "update", &client.id, "--add-webhook-url", "https://hooks.example.com/x"]).await;
    search.seen(&text(&added["webhookUrls"][1], "signingSecret"));
    let by_hand = cli.json(&["token", &client.id]).await;
    let issued = by_hand.as_object().unwrap().values().find(|value| value.to_string().contains("gpt_"));
    search.seen(issued.and_then(Value::as_str).unwrap());
    let quiet: [&[&str]; 7] = [
        &["client", "list"],
        &["client", "show", &client.id],
        &["audit", "list"],
        &["delivery", "list"],
        &["workspace", "list"],
        &["config", "show"],
        &["client", "reveal", "gpc_unknown"],
    ];
    for command in quiet {
        for form in [&[][..], &["--json"]] {
            let ran = cli.run(&[command, form].concat()).await;
            search.look_into(format!("{command:?}"), format!("{}{}", ran.stdout, ran.stderr).as_bytes());
        }
    }
    rotated
}

/// Tokens are got in every way, and asked for in many wrong ones.
async fn authenticate(
    server: &Process,
    search: &mut Search,
    client: &TestClient,
    rotated: &str,
) -> Vec<String> {
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let header = basic(&client.client_id, rotated);
    let with_header = [kind, ("authorization", header.as_str())];
    let http = &server.http;
    let grant = "grant_type=client_credentials";
    let mut tokens = Vec::new();
    for answer in [
        http.post_form("/oauth/token", &form(client)).await,
        http.post_form("/v1.11/oauth/token", &form(client)).await,
        http.send("POST", "/oauth/token", &with_header, grant).await,
    ] {
        tokens.push(token(search, &answer));
    }
    let mistyped = altered(&client.secret);
    let wrong = [
        format!("{grant}&client_id={}&client_secret={mistyped}", client.client_id),
        format!("{grant}&client_id={}&client_secret={}", client.secret, client.client_id),
        format!("{grant}&client_id={}&client_secret={}", tokens[0], client.secret),
        format!("{}&scope={}", form(client), client.secret),
        format!("{}&client_secret={}", form(client), client.secret),
        form(client).replace("client_credentials", &client.secret),
        json!({ "client_secret": client.secret }).to_string(),
    ];
    for form in wrong {
        search.failed("a wrong token request", http.post_form("/oauth/token", &form).await);
    }
    let both = http.send("POST", "/oauth/token", &with_header, form(client)).await;
    search.failed("credentials in two places", both);
    let path = format!("/oauth/token?{}", form(client));
    search.failed("credentials in the address", http.post_form(&path, "").await);
    let introspect = format!("{}&token={}", credentials(client), tokens[1]);
    let seen = http.post_form("/oauth/introspect", &introspect).await.expect(200);
    search.look_into("introspection", &seen.body);
    let _ = http.post_form("/oauth/revoke", &introspect).await.expect(200);
    tokens
}

/// What is wrong with a request, its path, and its headers.
type Wrong<'a> = (&'static str, String, &'a [(&'a str, &'a str)]);

/// The API is used, rightly and wrongly: with the token in the wrong header, in the path, in the query.
async fn call(server: &Process, search: &mut Search, tokens: &[String], secret: &str) {
    let live = format!("Bearer {}", tokens[0]);
    let school = ("business", SCHOOL);
    let authorized = ("authorization", live.as_str());
    for title in ["Fire the kiln", "Fire it twice"] {
        let body = json!({ "title": title }).to_string();
        let _ = server.http.send("POST", TASKS, &[authorized, school], body).await.expect(200);
    }
    let revoked = format!("Bearer {}", tokens[1]);
    let no_scheme = secret.to_owned();
    let wrong: [Wrong<'_>; 8] = [
        ("a revoked token", TASKS.to_owned(), &[("authorization", &revoked), school]),
        ("a token as the workspace", TASKS.to_owned(), &[authorized, ("business", &tokens[0])]),
        ("a secret as the workspace", TASKS.to_owned(), &[authorized, ("business", secret)]),
        ("a secret as the token", TASKS.to_owned(), &[("authorization", &no_scheme), school]),
        ("a token in the path", format!("/{}/tasks", tokens[0]), &[authorized, school]),
        ("a token in the query", format!("{TASKS}?access_token={}", tokens[0]), &[school]),
        ("a token in the path, without one", format!("{TASKS}/{}", tokens[0]), &[school]),
        ("no workspace", TASKS.to_owned(), &[authorized]),
    ];
    for (place, path, headers) in wrong {
        search.failed(place, server.http.get(&path, headers).await);
    }
    // What is kept of refusals is written down within a second or so; the stop below writes down the rest.
}

async fn look_at_what_is_stored(server: &Process, search: &mut Search) {
    if let Some(rows) = server.cli().rows() {
        assert!(rows.contains("CRM sync") && rows.contains("Fire the kiln"), "the tables are looked into");
        search.look_into("the database", rows.as_bytes());
        search.look_below(server.folder());
        return;
    }
    let runs = server.id().is_some();
    let backup = server.folder().join(if runs { "running.db" } else { "stopped.db" });
    let _ = server.cli().json(&["db", "backup", backup.to_str().unwrap()]).await;
    let ends: &[&str] = if runs { &["-wal", "running.db"] } else { &["stopped.db"] };
    search.look_below(server.folder());
    for end in ends {
        assert!(search.texts.iter().any(|(place, _)| place.ends_with(end)), "{end} is not looked into");
    }
}

#[tokio::test]
async fn s07_s12_no_secret_token_or_key_is_in_a_log_an_error_the_database_or_a_backup() {
    let receiver = Receiver::start().await;
    receiver.script([Script::Status(200), Script::Status(500)]);
    let mut server = Process::start(env!("CARGO_BIN_EXE_gatepost"), CHATTY).await;
    server.workspace(SCHOOL).await;
    let mut search = Search::default();
    let client = server.client("CRM sync", SCHOOL, &[receiver.url("/hooks")], "task.*").await;
    search.seen(&client.secret);
    search.seen(&client.signing_keys[0]);
    let once = ["client", "create", "--name", "Once", "--secret-policy", "once"];
    search.seen(&text(&server.cli().json(&once).await, "clientSecret"));

    let rotated = manage(&server, &mut search, &client).await;
    let tokens = authenticate(&server, &mut search, &client, &rotated).await;
    call(&server, &mut search, &tokens, &client.secret).await;
    receiver.wait_for(2).await;
    for webhook in receiver.received() {
        search.look_into("a webhook", format!("{:?}", webhook.headers).as_bytes());
        search.look_into("a webhook", &webhook.body);
    }
    let _ = server.cli().json(&["client", "kill-secret", &client.id, "1"]).await;
    let _ = server.cli().json(&["client", "revoke", &client.id]).await;

    look_at_what_is_stored(&server, &mut search).await;
    assert!(server.terminate().await.success());
    look_at_what_is_stored(&server, &mut search).await;

    let log = server.log();
    assert!(log.contains("\"TRACE\"") && log.contains("client.refused"), "the log tells everything: {log}");
    assert!(search.secrets.len() >= 9);
    search.finish();
}

#[tokio::test]
async fn p5_strangers_cannot_write_lines_of_their_own_into_the_log_or_onto_the_terminal() {
    let mut server = Process::start(env!("CARGO_BIN_EXE_gatepost"), CHATTY).await;
    server.workspace(SCHOOL).await;
    let client = server.client("CRM sync", SCHOOL, &[], "").await;
    let token = server.token(&client).await;
    let authorization = format!("Bearer {token}");
    let evil = "x%0D%0A%7B%22level%22%3A%22ERROR%22%7D%1B%5B31m";
    let business = "caf\u{e9}\u{9b}31m{\"level\":\"ERROR\"}";
    for path in [format!("{TASKS}/{evil}"), format!("/{evil}"), format!("{TASKS}?q={evil}")] {
        let headers =
            [("authorization", authorization.as_str()), ("business", business), ("user-agent", business)];
        let _ = server.http.get(&path, &headers).await.expect(400);
        let _ = server.http.get(&path, &[("business", business)]).await.expect(401);
    }
    let form = format!("grant_type=client_credentials&client_id=gpc_{evil}&client_secret={evil}");
    let _ = server.http.post_form("/oauth/token", &form).await.expect(401);
    for name in ["a\u{1b}[31mb", "a\nb", "a\rb"] {
        let ran = server.cli().run(&["client", "create", "--name", name]).await.expect(1);
        assert!(!ran.stderr.contains('\u{1b}') && ran.stderr.lines().count() <= 2, "{}", ran.stderr);
    }
    assert!(server.terminate().await.success());
    for line in server.log().lines() {
        assert!(line.chars().all(|letter| !letter.is_control()), "{line}");
        let entry: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_ne!(entry["level"], "ERROR", "{line}");
    }
}
