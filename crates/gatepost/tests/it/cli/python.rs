//! A client in another language, against the running server.

use std::net::TcpListener;

use gatepost_testkit::Process;
use tokio::process::Command;

use super::PROGRAM;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/first_call.py");

#[tokio::test]
async fn a_python_script_makes_its_first_call_and_verifies_its_first_webhook() {
    if !has_python().await {
        assert!(std::env::var_os("CI").is_none(), "python3 is missing: install it, this test needs it");
        println!("skipped: python3 is missing");
        return;
    }
    let server = Process::start(PROGRAM, "").await;
    server.workspace("the-ceramic-school").await;
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}/webhooks?from=gatepost");
    let client = server.client("first call", "the-ceramic-school", &[url], "task.create").await;
    let run = Command::new("python3")
        .arg(SCRIPT)
        .env("GATEPOST_URL", server.http.base())
        .env("GATEPOST_WORKSPACE", "the-ceramic-school")
        .env("CLIENT_ID", &client.client_id)
        .env("CLIENT_SECRET", &client.secret)
        .env("SIGNING_SECRET", &client.signing_keys[0])
        .env("RECEIVER_PORT", port.to_string())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(std::time::Duration::from_secs(60), run).await.unwrap().unwrap();
    let (said, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.trim() == "ok", "{said}{error}");
}

async fn has_python() -> bool {
    Command::new("python3").arg("--version").output().await.is_ok_and(|output| output.status.success())
}

/// A port that is free now, for a receiver that the script opens itself.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
