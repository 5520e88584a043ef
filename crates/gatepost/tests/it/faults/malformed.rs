//! Ten thousand and more requests that no sane caller sends (security.md P10): each is answered, none with a 5xx, all in
//! the API's own form.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use gatepost_testkit::Process;
use serde_json::json;
use tokio::task::JoinSet;

use super::PROGRAM;
use super::nonsense::{Dice, KINDS, Known, Request};
use super::wire::{Reply, Wire};

const CALLERS: u64 = 8;
const REQUESTS_PER_CALLER: usize = 1_500;
/// What the server may hold more after all of it than after the first tenth, in KiB: room for caches and the allocator.
const MOST_GROWTH_KIB: u64 = 64 * 1024;

const CONFIG: &str =
    "[server]\ntrusted_proxies = [\"127.0.0.0/8\"]\n[rate_limit]\nrequests_per_hour = 1000000000";

/// What came of it.
#[derive(Default)]
struct Tally {
    /// How often what was answered: by kind and status; 0 for a connection that was closed.
    answers: BTreeMap<(&'static str, u16), usize>,
    /// Answers that must not be, with what was asked.
    wrong: Vec<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_malformed_requests_are_all_refused_in_form() {
    let mut server = Process::start(PROGRAM, CONFIG).await;
    let known = known(&server).await;
    send_all(server.address(), &known, (100, REQUESTS_PER_CALLER / 10)).await;
    let before = server.memory_kib();
    let Tally { answers, wrong } = send_all(server.address(), &known, (0, REQUESTS_PER_CALLER)).await;
    let after = server.memory_kib();

    assert_eq!(server.http.get("/readyz", &[]).await.status, 200);
    let sent: usize = answers.values().sum();
    let refused: usize =
        answers.iter().filter(|((_, status), _)| *status >= 400).map(|(_, count)| count).sum();
    println!("malformed: sent={sent} refused={refused} memory_kib={before:?}->{after:?}");
    for ((kind, status), count) in &answers {
        println!("  {kind:<12} {status:>3} {count:>6}");
    }
    assert!(
        wrong.is_empty(),
        "{} of them, such as\n{}",
        wrong.len(),
        wrong[..wrong.len().min(8)].join("\n\n")
    );
    assert!(sent >= 10_000 && refused * 2 > sent, "{refused} of {sent} were refused");
    for (kind, _) in KINDS {
        assert!(
            answers.keys().any(|(of, status)| *of == kind && *status >= 400),
            "{kind}: nothing was refused"
        );
    }
    if let (Some(before), Some(after)) = (before, after) {
        assert!(after < before + MOST_GROWTH_KIB, "memory grew from {before} KiB to {after} KiB");
    }
    assert!(server.terminate().await.success());
    let log = server.log();
    assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");
    assert!(!log.contains("could not be written down"), "what was refused is not kept: {log}");
}

async fn known(server: &Process) -> Known {
    server.workspace("shop").await;
    let client = server.client("nonsense", "shop", &[], "").await;
    let api = server.api(&client, "shop").await;
    let record = api.call("POST", "/v1.11/tasks", Some(&json!({ "title": "here" }))).await.expect(200).json();
    Known {
        token: server.token(&client).await,
        client_id: client.client_id,
        secret: client.secret,
        workspace: String::from("shop"),
        record: record["_id"].as_str().unwrap().to_owned(),
    }
}

async fn send_all(address: SocketAddr, known: &Known, (seed, each): (u64, usize)) -> Tally {
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let known = known.clone();
        callers.spawn(async move { send(address, &known, Dice::new(seed + caller), each).await });
    }
    let mut all = Tally::default();
    for tally in callers.join_all().await {
        all.wrong.extend(tally.wrong);
        tally.answers.into_iter().for_each(|(what, count)| *all.answers.entry(what).or_default() += count);
    }
    all
}

async fn send(address: SocketAddr, known: &Known, mut dice: Dice, each: usize) -> Tally {
    let mut wire = Wire::new(address);
    let mut tally = Tally::default();
    for number in 0..each {
        let (kind, make) = KINDS[number % KINDS.len()];
        let request = make(&mut dice, known);
        let bytes = request.bytes();
        let reply = wire.exchange(&bytes, request.verb == b"HEAD").await;
        if !request.is_http() {
            // What the server made of its end cannot be told, nor where the next request would begin.
            wire.hang_up();
        }
        if let Err(wrong) = check(&request, reply.as_ref()) {
            let start = String::from_utf8_lossy(&bytes[..bytes.len().min(700)]).into_owned();
            tally.wrong.push(format!("{kind}: {wrong}\n--- request\n{start}\n--- answer\n{reply:?}"));
        }
        *tally.answers.entry((kind, reply.map_or(0, |reply| reply.status))).or_default() += 1;
    }
    tally
}

/// What is wrong with the answer, if anything is.
fn check(request: &Request, reply: Option<&Reply>) -> Result<(), String> {
    let Some(reply) = reply else {
        return if request.is_http() { Err("no answer".into()) } else { Ok(()) };
    };
    if reply.status >= 500 {
        return Err(format!("a {}", reply.status));
    }
    if !request.is_http() && reply.body.is_empty() {
        return Ok(());
    }
    if !reply.header("x-request-id").starts_with("req_") {
        return Err("no X-Request-Id".into());
    }
    if reply.body.is_empty() {
        let silent = request.verb == b"HEAD" || request.verb == b"OPTIONS";
        return if silent { Ok(()) } else { Err("no body".into()) };
    }
    let body = reply.json().ok_or("the body is not JSON")?;
    if !reply.header("content-type").starts_with("application/json") {
        return Err("the body is not called JSON".into());
    }
    let has_text = |name: &str| body[name].as_str().is_some_and(|text| !text.is_empty());
    if reply.status >= 400 && (body["code"] != json!(reply.status) || !has_text("message")) {
        return Err("not {code, message}".into());
    }
    let oauth_form = has_text("error") && has_text("error_description");
    if reply.status >= 400 && request.is_oauth() && !oauth_form {
        return Err("not the form of RFC 6749".into());
    }
    Ok(())
}
