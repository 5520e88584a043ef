//! The command line against a server on another machine: the same commands, an admin token, and errors that say what to
//! change.

use gatepost_testkit::{Process, Ran, Receiver};
use serde_json::{Value, json};

use super::PROGRAM;

/// A server, and commands that know nothing of it but its address.
struct Remote {
    server: Process,
    address: String,
}

impl Remote {
    async fn start() -> Self {
        let server = Process::start(PROGRAM, "").await;
        server.workspace("shop").await;
        let address = format!("http://{}", server.address());
        Self { server, address }
    }

    /// Somebody who owns the workspace: invited by the operator.
    async fn owner(&self) {
        let invite =
            ["invitation", "create", "--email", "ines@example.org", "--workspace", "shop", "--role", "owner"];
        let invited = self.server.cli().json(&invite).await;
        let link = invited["link"].as_str().unwrap();
        let path = link.get(link.find("/settings").unwrap()..).unwrap();
        let form = "name=Ines&password=wheel+and+kiln";
        let headers =
            [("sec-fetch-site", "same-origin"), ("content-type", "application/x-www-form-urlencoded")];
        let _ = self.server.http.send("POST", path, &headers, form).await.expect(303);
    }

    /// An admin token of hers, made on the server's machine.
    async fn token(&self, scopes: &str) -> String {
        let make = [
            "admin-token",
            "create",
            "--user",
            "ines@example.org",
            "--name",
            "CI",
            "--workspace",
            "shop",
            "--scope",
            scopes,
        ];
        self.server.cli().json(&make).await["adminToken"].as_str().unwrap().to_owned()
    }

    async fn run_at(&self, address: &str, token: Option<&str>, arguments: &[&str]) -> Ran {
        let mut command = self.server.cli().command([arguments, &["--server", address]].concat());
        match token {
            Some(token) => command.env("GATEPOST_ADMIN_TOKEN", token),
            None => command.env_remove("GATEPOST_ADMIN_TOKEN"),
        };
        let output = command.output().await.unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    async fn run(&self, token: &str, arguments: &[&str]) -> Ran {
        self.run_at(&self.address, Some(token), arguments).await
    }

    async fn json(&self, token: &str, arguments: &[&str]) -> Value {
        let ran = self.run(token, &[arguments, &["--json"]].concat()).await.expect(0);
        serde_json::from_str(&ran.stdout).unwrap()
    }
}

const ALL: &str = "clients:read,clients:write,secrets:reveal,deliveries:read,deliveries:write,audit:read,tokens:write,people:read,people:write,workspaces:write";

#[tokio::test]
async fn a_server_elsewhere_is_managed_as_one_on_this_machine() {
    let receiver = Receiver::start().await;
    let remote = Remote::start().await;
    remote.owner().await;
    let token = remote.token(ALL).await;
    let create = ["client", "create", "--name", "Tool", "--workspace", "shop", "--method", "task.create"];
    let url = receiver.url("/in");
    let made = remote.json(&token, &[create.as_slice(), &["--webhook-url", &url]].concat()).await;
    let (id, secret) = (made["clientId"].as_str().unwrap(), made["clientSecret"].as_str().unwrap());
    let url_id = made["webhookUrls"][0]["id"].as_str().unwrap();

    for command in [
        vec!["client", "list"],
        vec!["client", "list", "--search", "tool"],
        vec!["client", "show", id],
        vec!["client", "calls", id],
        vec!["workspace", "list"],
        vec!["webhook-url", "show", id, url_id],
        vec!["delivery", "list"],
        vec!["request", "list"],
        vec!["method", "list"],
        vec!["invitation", "list"],
    ] {
        let (there, here) =
            (remote.run(&token, &command).await.expect(0), remote.server.cli().run(&command).await.expect(0));
        assert_eq!(there.stdout, here.stdout, "{command:?}");
    }
    assert_eq!(remote.json(&token, &["client", "reveal", id]).await["clientSecret"], secret);
    let tested = remote.json(&token, &["webhook-url", "test", id, url_id]).await;
    assert_eq!(tested["outcome"], "delivered", "{tested}");
    let paused = remote.json(&token, &["webhook-url", "pause", id, url_id]).await;
    assert_eq!(paused["webhookUrls"][0]["state"], "paused");
    let resume = ["webhook-url", "resume", id, url_id, "--deliveries", "all"];
    let _ = remote.run(&token, &resume).await.expect(0);
    let people = remote.run(&token, &["person", "list"]).await.expect(0).stdout;
    assert!(people.contains("ines@example.org") && people.contains("owner of shop"), "{people}");
    let renamed = remote.run(&token, &["workspace", "rename", "shop", "The Shop"]).await.expect(0);
    assert!(renamed.stdout.contains("The Shop"), "{}", renamed.stdout);
    let audit = remote.json(&token, &["audit", "list", "--limit", "1"]).await;
    assert_eq!(audit[0]["changes"], json!([{ "field": "name", "old": "shop", "new": "The Shop" }]));
    let missing = remote.run(&token, &["request", "explain", "req_none"]).await.expect(3);
    assert!(missing.stderr.contains("there is no refused request"), "{}", missing.stderr);

    let tokens = remote.json(&token, &["admin-token", "list"]).await;
    let own = tokens[0]["id"].as_str().unwrap();
    let _ = remote.run(&token, &["admin-token", "end", own]).await.expect(0);
    let _ = remote.run(&token, &["client", "list"]).await.expect(1);
}

#[tokio::test]
async fn what_is_wrong_with_a_remote_command_is_said_with_what_to_change() {
    let remote = Remote::start().await;
    remote.owner().await;
    let reader = remote.token("clients:read").await;
    let list = ["client", "list"];
    let said = |ran: Ran| ran.expect(1).stderr;

    let unset = said(remote.run_at(&remote.address, None, &list).await);
    assert!(unset.contains("GATEPOST_ADMIN_TOKEN is not set") && unset.contains("API tokens"), "{unset}");
    let wrong = said(remote.run("gpa_wrong", &list).await);
    assert!(wrong.contains("not valid") && wrong.contains("Set GATEPOST_ADMIN_TOKEN"), "{wrong}");
    let narrow = said(remote.run(&reader, &["client", "create", "--name", "x"]).await);
    assert!(narrow.contains("clients:write") && narrow.contains("make another one"), "{narrow}");
    let as_json = said(remote.run(&reader, &["audit", "list", "--json"]).await);
    let as_json: Value = serde_json::from_str(&as_json).unwrap();
    assert_eq!(as_json["name"], "insufficient_scope");
    let foreign = said(remote.run(&reader, &["workspace", "create", "other"]).await);
    assert!(foreign.contains("run the command there, without --server"), "{foreign}");
    let local = said(remote.run(&reader, &["config", "show"]).await);
    assert!(local.contains("leave --server out"), "{local}");

    let plain = said(remote.run_at("http://gatepost.example.com", Some(&reader), &list).await);
    assert!(plain.contains("unencrypted"), "{plain}");
    let nobody = said(remote.run_at("http://127.0.0.1:9", Some(&reader), &list).await);
    assert!(nobody.contains("127.0.0.1:9 does not answer") && nobody.contains("refused"), "{nobody}");
    let tls = remote.address.replacen("http://", "https://", 1);
    let tls = said(remote.run_at(&tls, Some(&reader), &list).await);
    assert!(tls.contains("does not answer"), "{tls}");
    let other = said(remote.run_at(&format!("{}/elsewhere", remote.address), Some(&reader), &list).await);
    assert!(!other.is_empty() && !other.contains(&reader), "{other}");
    for text in [&wrong, &narrow, &nobody, &tls] {
        assert!(!text.contains(&reader), "the token is not told: {text}");
    }
}
