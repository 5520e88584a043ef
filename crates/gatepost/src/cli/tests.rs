use std::path::Path;

use clap::CommandFactory;
use serde_json::json;

use super::call::Needs;
use super::*;
use crate::data_folder::DataFolder;
use crate::deployment::Sources as Machine;
use crate::test_folder::TestFolder;

fn parsed(words: &[&str]) -> Cli {
    Cli::try_parse_from([&["gatepost"], words].concat()).unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

fn call(words: &[&str]) -> Call {
    match parsed(words).command {
        Command::Workspace(command) => command.call(),
        Command::Client(command) => command.call(),
        Command::Token(command) => command.call(),
        Command::Delivery(command) => command.call(),
        Command::Replay(command) => command.call(),
        Command::WebhookUrl(command) => command.call(),
        Command::Request(command) => command.call(),
        Command::Person(command) => command.call(),
        Command::Invitation(command) => command.call(),
        Command::AdminToken(command) => command.call(),
        Command::Audit(command) => command.call(),
        Command::Method(command) => command.call(),
        Command::Db(db::DbCommand::Call(command)) => command.call(),
        Command::Serve(_)
        | Command::Demo { .. }
        | Command::Config(_)
        | Command::Listen(_)
        | Command::Db(db::DbCommand::Copy(_)) => panic!("{words:?} is no call"),
    }
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_says_what_it_is_for_and_gives_an_example() {
    fn check(command: &clap::Command, path: &str) {
        let name = format!("{path} {}", command.get_name());
        assert!(command.get_about().is_some(), "{name} has no description");
        if command.get_subcommands().next().is_none() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("gatepost "), "{name} has no example");
        }
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{name}: {} has no help", argument.get_id());
        }
        command.get_subcommands().for_each(|sub| check(sub, &name));
    }
    check(&Cli::command(), "");
}

#[test]
fn the_examples_are_right() {
    fn examples(command: &clap::Command, found: &mut Vec<String>) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default().replace("\\\n", "");
        let lines = help.lines().filter_map(|line| line.trim().strip_prefix("gatepost "));
        found.extend(
            lines.map(|line| line.split(['|', '>', '&']).next().unwrap_or_default().trim().to_owned()),
        );
        command.get_subcommands().for_each(|sub| examples(sub, found));
    }
    let mut found = Vec::new();
    examples(&Cli::command(), &mut found);
    assert!(found.len() > 20, "{found:?}");
    for line in found {
        let unquoted = line.split(['"', '\'']).enumerate().flat_map(|(index, part)| {
            let quoted = index % 2 == 1;
            let words: Vec<&str> = if quoted { vec![part] } else { part.split_whitespace().collect() };
            words
        });
        parsed(&unquoted.collect::<Vec<_>>());
    }
}

#[test]
fn each_command_is_one_call() {
    let rows: &[(&str, &str, serde_json::Value)] = &[
        (
            "workspace create shop --name Shop",
            "POST /workspaces",
            json!({"subdomain": "shop", "name": "Shop"}),
        ),
        ("workspace create shop", "POST /workspaces", json!({"subdomain": "shop"})),
        ("workspace list", "GET /workspaces", json!(null)),
        ("client list", "GET /clients?limit=1000", json!(null)),
        ("client list --after cli_1 --limit 5", "GET /clients?after=cli_1&limit=5", json!(null)),
        ("client show gpc_1", "GET /clients/gpc_1", json!(null)),
        ("client reveal gpc_1", "POST /clients/gpc_1/reveal", json!({})),
        ("client rotate gpc_1 --overlap 24h", "POST /clients/gpc_1/rotate", json!({"overlap": "24h"})),
        ("client rotate gpc_1", "POST /clients/gpc_1/rotate", json!({"overlap": "24h"})),
        ("client disable gpc_1", "POST /clients/gpc_1/disable", json!({})),
        ("client enable gpc_1", "POST /clients/gpc_1/enable", json!({})),
        ("client revoke gpc_1", "POST /clients/gpc_1/revoke", json!({})),
        ("client delete gpc_1", "DELETE /clients/gpc_1", json!(null)),
        ("client kill-secret gpc_1 2", "POST /clients/gpc_1/secrets/2/kill", json!({})),
        ("token gpc_1", "POST /clients/gpc_1/token", json!({})),
        ("delivery list", "GET /deliveries?limit=100", json!(null)),
        (
            "delivery list --client gpc_1 --state failed --before dlv_1 --limit 7",
            "GET /deliveries?client=gpc_1&state=failed&before=dlv_1&limit=7",
            json!(null),
        ),
        ("delivery show dlv_1", "GET /deliveries/dlv_1", json!(null)),
        ("delivery reconcile", "GET /reconciliation", json!(null)),
        ("delivery reconcile --since 2026-11-20", "GET /reconciliation?since=2026-11-20", json!(null)),
        ("delivery replay dlv_1", "POST /deliveries/dlv_1/replay", json!({})),
        (
            "delivery list --method task.edit --url whu_1 --replay rpl_1 --since 2026-11-24 --until 2026-11-25",
            "GET /deliveries?method=task.edit&url=whu_1&replay=rpl_1&since=2026-11-24&until=2026-11-25&limit=100",
            json!(null),
        ),
        (
            "replay start gpc_1 --since 2026-11-24 --url whu_1 --states all",
            "POST /clients/gpc_1/replays",
            json!({"since": "2026-11-24", "url": "whu_1", "states": "all"}),
        ),
        ("replay list --client gpc_1", "GET /replays?client=gpc_1&limit=100", json!(null)),
        ("replay show rpl_1", "GET /replays/rpl_1", json!(null)),
        ("replay pause rpl_1", "POST /replays/rpl_1/pause", json!({})),
        ("replay resume rpl_1", "POST /replays/rpl_1/resume", json!({})),
        ("replay cancel rpl_1", "POST /replays/rpl_1/cancel", json!({})),
        ("audit list", "GET /audit?limit=100", json!(null)),
        ("audit list --subject gpc_1", "GET /audit?subject=gpc_1&limit=100", json!(null)),
        ("method list", "GET /methods", json!(null)),
        ("db migrate", "POST /migrate", json!({})),
        ("db status", "GET /status", json!(null)),
        ("db backup /x/y.db", "POST /backup", json!({"path": "/x/y.db"})),
    ];
    are_calls(rows);
}

#[test]
fn each_command_about_people_requests_and_webhook_urls_is_one_call() {
    let rows: &[(&str, &str, serde_json::Value)] = &[
        ("delivery send-now dlv_1", "POST /deliveries/dlv_1/send-now", json!({})),
        ("delivery cancel dlv_1", "POST /deliveries/dlv_1/cancel", json!({})),
        ("client list --search a --sort name", "GET /clients?q=a&sort=name&limit=1000", json!(null)),
        ("client calls gpc_1", "GET /clients/gpc_1/calls", json!(null)),
        ("workspace rename shop Shop", "PATCH /workspaces/shop", json!({"name": "Shop"})),
        ("webhook-url show gpc_1 whu_1", "GET /clients/gpc_1/webhook-urls/whu_1", json!(null)),
        ("webhook-url test gpc_1 whu_1", "POST /clients/gpc_1/webhook-urls/whu_1/test", json!({})),
        ("webhook-url pause gpc_1 whu_1", "POST /clients/gpc_1/webhook-urls/whu_1/pause", json!({})),
        (
            "webhook-url resume gpc_1 whu_1 --deliveries newest",
            "POST /clients/gpc_1/webhook-urls/whu_1/resume",
            json!({"deliveries": "newest"}),
        ),
        (
            "webhook-url enable gpc_1 whu_1 --deliveries all",
            "POST /clients/gpc_1/webhook-urls/whu_1/enable",
            json!({"deliveries": "all"}),
        ),
        (
            "webhook-url move gpc_1 whu_1 https://x/",
            "POST /clients/gpc_1/webhook-urls/whu_1/move",
            json!({"url": "https://x/"}),
        ),
        (
            "webhook-url rotate-key gpc_1 whu_1",
            "POST /clients/gpc_1/webhook-urls/whu_1/signing-key/rotate",
            json!({"overlap": "24h"}),
        ),
        (
            "webhook-url end-old-keys gpc_1 whu_1",
            "POST /clients/gpc_1/webhook-urls/whu_1/signing-key/end-old",
            json!({}),
        ),
        (
            "webhook-url reveal-key gpc_1 whu_1",
            "POST /clients/gpc_1/webhook-urls/whu_1/signing-key/reveal",
            json!({}),
        ),
        ("request list --check token", "GET /requests?check=token&limit=100", json!(null)),
        ("request explain req_1", "GET /requests/req_1", json!(null)),
        ("person list", "GET /people", json!(null)),
        ("person show usr_1", "GET /people/usr_1", json!(null)),
        ("person role usr_1 shop admin", "PUT /people/usr_1/memberships/shop", json!({"role": "admin"})),
        ("person remove usr_1 shop", "DELETE /people/usr_1/memberships/shop", json!(null)),
        ("person password-link usr_1", "POST /people/usr_1/password-link", json!({})),
        ("person sessions usr_1", "GET /people/usr_1/sessions", json!(null)),
        ("person sign-out usr_1", "POST /people/usr_1/sessions/end", json!({})),
        ("person sign-out usr_1 --session a1", "POST /people/usr_1/sessions/a1/end", json!({})),
        ("invitation list", "GET /invitations", json!(null)),
        (
            "invitation create --email a@b.c --workspace x,y --role member",
            "POST /invitations",
            json!({"email": "a@b.c", "workspaces": ["x", "y"], "role": "member"}),
        ),
        ("invitation withdraw inv_1", "POST /invitations/inv_1/withdraw", json!({})),
        ("admin-token list", "GET /admin-tokens", json!(null)),
        ("admin-token end adt_1", "POST /admin-tokens/adt_1/end", json!({})),
        (
            "admin-token create --user a@b.c --name CI --scope clients:read,audit:read --workspace x",
            "POST /admin-tokens",
            json!({"user": "a@b.c", "name": "CI", "scopes": ["clients:read", "audit:read"], "workspaces": ["x"]}),
        ),
    ];
    are_calls(rows);
}

fn are_calls(rows: &[(&str, &str, serde_json::Value)]) {
    for (words, wanted, body) in rows {
        let call = call(&words.split(' ').collect::<Vec<_>>());
        let wanted = wanted.replacen(" /", " /admin/v1/", 1);
        assert_eq!(format!("{} {}", call.verb, call.path), wanted, "{words}");
        assert_eq!(call.body.unwrap_or_default(), *body, "{words}");
    }
}

#[test]
fn clients_are_made_and_changed_with_repeated_flags_and_lists() {
    let words = "client create --name Tool --workspace a --workspace b,c --webhook-url https://x/a,b --webhook-url https://y \
                 --method task.create,task.edit --method person.* --api-version 1.9 --secret-policy once \
                 --token-lifetime 24h --rate-limit 5 --allow-ip 10.0.0.0/8,192.0.2.1";
    assert_eq!(
        call(&words.split_whitespace().collect::<Vec<_>>()).body.unwrap(),
        json!({
            "name": "Tool",
            "workspaces": ["a", "b", "c"],
            "webhookUrls": ["https://x/a,b", "https://y"],
            "methods": ["task.create", "task.edit", "person.*"],
            "apiVersion": "v1.9",
            "secretPolicy": "once",
            "tokenLifetime": "24h",
            "rateLimit": 5,
            "allowIps": ["10.0.0.0/8", "192.0.2.1"],
        })
    );
    let words = "client update gpc_1 --name New --add-workspace a,b --remove-workspace c --add-webhook-url https://x \
                 --remove-webhook-url whu_1 --add-method task.* --remove-method task.edit --api-version v1.11 \
                 --token-lifetime 30m --rate-limit default --allow-ip any --payload envelope --secret-policy once --revision 3";
    let update = call(&words.split_whitespace().collect::<Vec<_>>());
    assert_eq!(format!("{} {}", update.verb, update.path), "PATCH /admin/v1/clients/gpc_1");
    assert_eq!(
        update.body.unwrap(),
        json!({
            "name": "New",
            "addWorkspaces": ["a", "b"],
            "removeWorkspaces": ["c"],
            "addWebhookUrls": ["https://x"],
            "removeWebhookUrls": ["whu_1"],
            "addMethods": ["task.*"],
            "removeMethods": ["task.edit"],
            "apiVersion": "v1.11",
            "tokenLifetime": "30m",
            "rateLimit": null,
            "allowIps": [],
            "payload": "envelope",
            "secretPolicy": "once",
            "revision": 3,
        })
    );
    assert_eq!(call(&["client", "update", "gpc_1", "--name", "x"]).body.unwrap(), json!({ "name": "x" }));
}

#[test]
fn wrong_usage_is_told_at_once() {
    for words in [
        "client",
        "client create",
        "client show",
        "client rotate gpc_1 --overlap soon",
        "client create --name x --rate-limit 0",
        "client create --name x --allow-ip office",
        "client create --name x --api-version v2",
        "delivery list --state lost",
        "delivery list --limit 1001",
        "frobnicate",
    ] {
        let words = [&["gatepost"], words.split(' ').collect::<Vec<_>>().as_slice()].concat();
        let error = Cli::try_parse_from(words.clone()).map(|_| ()).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{words:?}");
    }
}

#[test]
fn flags_of_the_command_line_are_the_topmost_layer() {
    let cli = parsed(&[
        "serve",
        "--data",
        "d",
        "--database",
        "sqlite:x.db",
        "--listen",
        "127.0.0.1:9",
        "--config",
        "c",
    ]);
    let inputs = cli.inputs();
    assert_eq!(inputs.data, Path::new("d"));
    assert_eq!(inputs.file.as_deref(), Some(Path::new("c")));
    let flags = [
        ("--database", "store.database", String::from("sqlite:x.db")),
        ("--listen", "server.listen", String::from("127.0.0.1:9")),
    ];
    assert_eq!(inputs.flags, flags);
    assert_eq!(parsed(&["workspace", "list"]).common.data, Path::new("gatepost-data"));
}

/// Sends what was typed as the program does, with a folder of its own.
async fn typed(folder: &Path, words: &[&str]) -> Result<(Call, Answer), String> {
    let call = call(words);
    let config = Config::from_text("", folder).unwrap();
    match send::send(&call, &config, folder).await {
        Ok(answer) => Ok((call, answer)),
        Err(error) => Err(format!("{error:#}")),
    }
}

async fn answered(folder: &Path, words: &[&str]) -> serde_json::Value {
    let (call, answer) = typed(folder, words).await.unwrap();
    assert!(answer.status.is_success(), "{words:?}: {answer:?}");
    assert!(!(call.show)(&answer.body).is_empty(), "{words:?}");
    answer.body
}

async fn refused(folder: &Path, words: &[&str]) -> (u16, String) {
    let (_, answer) = typed(folder, words).await.unwrap();
    (answer.status.as_u16(), answer.body["message"].as_str().unwrap_or_default().to_owned())
}

/// The life of a client, through the same calls with a server and without.
async fn life_of_a_client(folder: &Path) {
    answered(folder, &["workspace", "create", "shop", "--name", "Shop"]).await;
    let made = answered(
        folder,
        &[
            "client",
            "create",
            "--name",
            "Tool",
            "--workspace",
            "shop",
            "--webhook-url",
            "https://hooks.example.com/x",
            "--method",
            "task.*",
        ],
    )
    .await;
    assert!(made["clientSecret"].as_str().unwrap().starts_with("gps_"));
    assert!(made["webhookUrls"][0]["signingSecret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!((&made["workspaces"], &made["status"]), (&json!(["shop"]), &json!("active")));
    let id = made["clientId"].as_str().unwrap();

    let listed = answered(folder, &["client", "list"]).await;
    assert_eq!(listed[0]["id"], made["id"]);
    let everything = listed.to_string();
    assert!(!everything.contains("gps_") && !everything.contains("whsec_"), "a list holds no secrets");
    let revealed = answered(folder, &["client", "reveal", id]).await;
    assert_eq!(revealed["clientSecret"], made["clientSecret"]);
    assert_eq!(revealed["webhookUrls"][0]["signingSecret"], made["webhookUrls"][0]["signingSecret"]);

    let url = "https://hooks.example.com/y";
    let update = [
        "client",
        "update",
        id,
        "--add-webhook-url",
        url,
        "--rate-limit",
        "5",
        "--remove-method",
        "task.edit",
    ];
    let updated = answered(folder, &update).await;
    assert_eq!(
        (&updated["rateLimit"], &updated["methods"]),
        (&json!(5), &json!(["task.create", "task.remove"]))
    );
    assert!(
        updated["webhookUrls"][0]["signingSecret"].is_null(),
        "only a URL that was just added shows its key"
    );
    assert!(updated["webhookUrls"][1]["signingSecret"].is_string());
    let (status, message) =
        refused(folder, &["client", "update", id, "--name", "x", "--revision", "1"]).await;
    assert_eq!(status, 409, "{message}");

    let rotated = answered(folder, &["client", "rotate", id, "--overlap", "24h"]).await;
    assert_ne!(rotated["clientSecret"], made["clientSecret"]);
    answered(folder, &["client", "kill-secret", id, "1"]).await;
    assert!(answered(folder, &["token", id]).await["accessToken"].as_str().unwrap().starts_with("gpt_"));
    assert_eq!(answered(folder, &["client", "disable", id]).await["status"], "disabled");
    assert_eq!(refused(folder, &["token", id]).await.0, 409);
    assert_eq!(answered(folder, &["client", "enable", id]).await["status"], "active");
    assert_eq!(answered(folder, &["client", "revoke", id]).await["status"], "revoked");
    assert_eq!(answered(folder, &["client", "delete", id]).await["deleted"], true);
    assert_eq!(refused(folder, &["client", "show", id]).await.0, 404);

    let audit = answered(folder, &["audit", "list", "--subject", made["id"].as_str().unwrap()]).await;
    let actions: Vec<&str> =
        audit.as_array().unwrap().iter().rev().filter_map(|entry| entry["action"].as_str()).collect();
    let wanted = [
        "client.create",
        "secret.reveal",
        "client.update",
        "secret.rotate",
        "secret.kill",
        "client.disable",
        "client.enable",
        "client.revoke",
        "client.delete",
    ];
    assert_eq!(actions, wanted);
    assert!(!audit.to_string().contains("gps_"), "the audit trail holds no secrets");
}

#[tokio::test]
async fn commands_work_without_a_server() {
    let folder = TestFolder::new();
    life_of_a_client(folder.path()).await;
    assert!(
        answered(folder.path(), &["method", "list"]).await.as_array().unwrap().contains(&json!("task.edit"))
    );
    assert_eq!(answered(folder.path(), &["delivery", "list", "--state", "failed"]).await, json!([]));
    assert_eq!(refused(folder.path(), &["delivery", "show", "dlv_1"]).await.0, 404);
    let (status, message) = refused(folder.path(), &["workspace", "create", "shop"]).await;
    assert_eq!((status, message.as_str()), (409, "there is already a workspace with the subdomain \"shop\""));
    assert_eq!(
        refused(folder.path(), &["client", "create", "--name", "x", "--workspace", "nowhere"]).await.0,
        400
    );
    assert_eq!(
        refused(folder.path(), &["client", "create", "--name", "x", "--webhook-url", "http://10.0.0.1/"])
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn commands_work_through_a_running_server() {
    let folder = TestFolder::new();
    let config = Config::from_text("", folder.path()).unwrap();
    let data = DataFolder::create(folder.path()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let running = crate::serve(&config, &data, Machine::of_the_machine(), listener).await.unwrap();
    life_of_a_client(folder.path()).await;
    assert_eq!(running.gatepost().list_workspaces().await.unwrap().len(), 1, "it was the server that did it");
    let socket = running.admin_socket().to_owned();
    running.shutdown().await;
    assert!(!socket.exists());
    assert_eq!(answered(folder.path(), &["workspace", "list"]).await[0]["subdomain"], "shop");
}

#[tokio::test]
async fn a_command_needs_a_deployment_unless_it_makes_the_first_of_something() {
    let folder = TestFolder::new();
    let nowhere = folder.path().join("nowhere");
    let error = typed(&nowhere, &["client", "list"]).await.unwrap_err();
    assert!(error.starts_with("there is no Gatepost deployment in "), "{error}");
    assert!(!nowhere.exists());
    assert_eq!(call(&["workspace", "create", "a"]).needs, Needs::Nothing);
}

#[tokio::test]
async fn the_database_can_be_looked_at_migrated_and_backed_up() {
    let folder = TestFolder::new();
    let first = answered(folder.path(), &["db", "migrate"]).await;
    assert_eq!(first["applied"][0]["number"], 1);
    assert_eq!(answered(folder.path(), &["db", "migrate"]).await["applied"], json!([]));
    let status = answered(folder.path(), &["db", "status"]).await;
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["schema"]["migrations"][0]["state"], "applied");
    let copy = folder.path().join("copy.db");
    let copy = copy.to_str().unwrap();
    answered(folder.path(), &["db", "backup", copy]).await;
    assert!(Path::new(copy).exists());
    let (status, message) = refused(folder.path(), &["db", "backup", copy]).await;
    assert_eq!(status, 409, "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_holds_the_folder_and_does_not_answer_is_named() {
    let folder = TestFolder::new();
    let lock = DataFolder::create(folder.path()).unwrap().try_lock().unwrap();
    let error = typed(folder.path(), &["client", "list"]).await.unwrap_err();
    drop(lock);
    assert!(error.contains("another gatepost process uses") && error.contains("admin.sock"), "{error}");
}
