//! When things are not as they should be: the errors, where they go, and the exit codes.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use gatepost_testkit::{Cli, Folder, Process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::PROGRAM;

/// A deployment without a server.
async fn deployment() -> (Folder, Cli) {
    let folder = Folder::new();
    let cli = Cli::new(PROGRAM, folder.path().join("data"));
    drop(cli.json(&["workspace", "create", "shop"]).await);
    (folder, cli)
}

#[tokio::test]
async fn errors_go_to_stderr_in_words_or_as_json_with_a_code() {
    let (_folder, cli) = deployment().await;
    for (words, code, with) in [
        (&["client", "show", "gpc_nobody"][..], 3, "gpc_nobody"),
        (&["delivery", "show", "dlv_none"], 3, "dlv_none"),
        (&["workspace", "create", "Not A Subdomain"], 1, "subdomain"),
        (&["workspace", "create", "shop"], 1, "shop"),
        (&["client", "create", "--name", "x", "--workspace", "nowhere"], 1, "nowhere"),
        (&["client", "create", "--name", "x", "--method", "task.paint"], 1, "task.paint"),
        (&["client", "create", "--name", "x", "--webhook-url", "http://10.0.0.1/"], 1, "webhookUrls"),
    ] {
        let said = cli.run(words).await.expect(code);
        assert!(said.stdout.is_empty(), "{words:?}: {said:?}");
        assert!(said.stderr.starts_with("error: ") && said.stderr.contains(with), "{words:?}: {said:?}");
        let said = cli.run(&[words, &["--json"]].concat()).await.expect(code);
        let error: Value =
            serde_json::from_str(&said.stderr).unwrap_or_else(|_| panic!("{words:?}: {said:?}"));
        assert!(error["message"].as_str().unwrap().contains(with) && said.stdout.is_empty(), "{error}");
    }
}

#[tokio::test]
async fn where_there_is_no_deployment_none_is_made_by_looking() {
    let folder = Folder::new();
    let cli = Cli::new(PROGRAM, folder.path().join("data"));
    for words in [
        &["client", "list"][..],
        &["client", "show", "x"],
        &["delivery", "list"],
        &["token", "x"],
        &["db", "status"],
    ] {
        let said = cli.run(words).await.expect(1);
        assert!(said.stderr.contains("there is no Gatepost deployment"), "{words:?}: {said:?}");
    }
    assert!(!cli.data().exists());
}

#[tokio::test]
async fn a_data_folder_that_another_process_holds_is_named() {
    let (_folder, cli) = deployment().await;
    let lock = File::open(cli.data().join("lock")).unwrap();
    lock.lock().unwrap();
    let (list, serve) =
        tokio::join!(cli.run(&["client", "list"]), cli.run(&["serve", "--listen", "127.0.0.1:0"]));
    for said in [list.expect(1), serve.expect(1)] {
        assert!(said.stderr.contains("uses the data folder"), "{said:?}");
    }
    lock.unlock().unwrap();
    drop(cli.json(&["client", "list"]).await);
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_and_one_on_a_taken_port_are_refused() {
    let server = Process::start(PROGRAM, "").await;
    let said = server.cli().run(&["serve", "--listen", "127.0.0.1:0"]).await.expect(1);
    assert!(said.stderr.contains("uses the data folder"), "{said:?}");
    let folder = Folder::new();
    let elsewhere = Cli::new(PROGRAM, folder.path().join("data"));
    let said = elsewhere.run(&["serve", "--listen", &server.address().to_string()]).await.expect(1);
    assert!(said.stderr.contains(&format!("cannot listen on {}", server.address())), "{said:?}");
    assert_eq!(server.http.get("/readyz", &[]).await.status, 200, "the first goes on");
}

#[tokio::test]
async fn keys_that_others_can_read_or_that_are_lost_are_refused() {
    let (_folder, cli) = deployment().await;
    drop(cli.json(&["client", "create", "--name", "x", "--workspace", "shop"]).await);
    let keys = cli.data().join("keys.toml");
    fs::set_permissions(&keys, Permissions::from_mode(0o644)).unwrap();
    for words in [&["client", "list"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let said = cli.run(words).await.expect(1);
        assert!(
            said.stderr.contains("can be read by others") && said.stderr.contains("chmod 600"),
            "{said:?}"
        );
    }
    fs::set_permissions(&keys, Permissions::from_mode(0o600)).unwrap();
    drop(cli.json(&["client", "list"]).await);
    fs::rename(&keys, keys.with_extension("away")).unwrap();
    let said = cli.run(&["client", "list"]).await.expect(1);
    assert!(said.stderr.contains("is missing") && !keys.exists(), "{said:?}");
}

#[tokio::test]
async fn a_wrong_configuration_is_told_with_key_and_place() {
    let (folder, cli) = deployment().await;
    let file = folder.path().join("wrong.toml");
    fs::write(&file, "[server]\nlisten = \"everywhere\"\nlissten = 1\n[webhooks]\ntimeout = \"soon\"\n")
        .unwrap();
    for words in [&["config", "check"][..], &["client", "list"], &["serve"]] {
        let said = cli.run(&[words, &["--config", file.to_str().unwrap()]].concat()).await.expect(1);
        for with in ["server.listen", "lissten", "webhooks.timeout", "line 2"] {
            assert!(said.stderr.contains(with), "{words:?}: no {with} in {said:?}");
        }
    }
    fs::write(&file, "[server\n").unwrap();
    let said = cli.run(&["config", "check", "--config", file.to_str().unwrap()]).await.expect(1);
    assert!(said.stderr.contains("wrong.toml"), "{said:?}");
    let said = cli.run(&["config", "check", "--config", "/nowhere/x.toml"]).await.expect(1);
    assert!(said.stderr.contains("/nowhere/x.toml"), "{said:?}");
}

#[tokio::test]
async fn a_reader_that_leaves_early_is_no_trouble() {
    let (_folder, cli) = deployment().await;
    for number in 0..3 {
        drop(cli.json(&["client", "create", "--name", &format!("client {number}")]).await);
    }
    // More than a pipe takes at once: this one is written to after its reader is gone.
    for words in [&["client", "list"][..], &["method", "list", "--json"], &["config", "default"]] {
        let mut child = cli.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        let mut reader = BufReader::with_capacity(16, child.stdout.take().unwrap());
        reader.read_line(&mut first).await.unwrap();
        drop(reader);
        let output = child.wait_with_output().await.unwrap();
        assert!(
            output.status.success() && output.stderr.is_empty() && !first.is_empty(),
            "{words:?}: {output:?}"
        );
    }
    let mut closed =
        cli.command(["client", "list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(closed.stdout.take());
    let output = closed.wait_with_output().await.unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[tokio::test]
async fn the_environment_and_flags_override_the_file() {
    let (_folder, cli) = deployment().await;
    let mut command = cli.command(["config", "show", "--json"]);
    command.env("GATEPOST__RATE_LIMIT__REQUESTS_PER_HOUR", "77");
    let shown: Value = serde_json::from_slice(&command.output().await.unwrap().stdout).unwrap();
    assert_eq!(shown["rate_limit.requests_per_hour"]["value"], json!(77), "{shown}");
    let mut command = cli.command(["config", "check"]);
    command.env("GATEPOST__RATE_LIMIT__NO_SUCH_KEY", "1");
    let output = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
    assert!(output.status.code() == Some(1) && said.contains("no_such_key"), "{said}");
}
