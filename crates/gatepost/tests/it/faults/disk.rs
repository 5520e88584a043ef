//! A disk that is full: writes are refused as a state that passes, reads go on, and all is well when there is room again.
//! Each write that was answered has its webhook, once; none that was refused has one.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gatepost_testkit::{Api, Folder, Process, engine};
use serde_json::json;
use tokio::process::Command;
use tokio::time::timeout;

use super::PROGRAM;
use super::accounts::settled;
use super::ledger::Ledger;

const DEADLINE: Duration = Duration::from_secs(20);

/// The program, whose server has its database on a small disk. A filler takes half of that until a word comes through
/// the pipe.
const ON_A_SMALL_DISK: &str = r#"#!/bin/sh
[ "$1" = serve ] || exec "PROGRAM" "$@"
exec unshare -rm sh -c 'small="$0"
  mount -t tmpfs -o size=16m none "$small" && head -c 8M /dev/zero > "$small/filler" || exit 1
  timeout 60 sh -c "read word < $small.pipe; rm $small/filler" > "$small.log" 2>&1 &
  exec "$@"' "FOLDER/small" "PROGRAM" "$@"
"#;

#[tokio::test]
async fn a_full_disk_refuses_writes_and_nothing_else() {
    if !engine::is_sqlite("it is the server's own disk that gets full") {
        return;
    }
    if !can_mount().await {
        println!("skipped: this machine allows no small disk (unshare -rm, mount -t tmpfs)");
        return;
    }
    let folder = Folder::new();
    let program = prepare(folder.path()).await;
    let database = folder.path().join("small/gatepost.db");
    let config = format!("[store]\ndatabase = {:?}", database.display().to_string());
    let pipe = folder.path().join("small.pipe");
    let mut server = Process::start_in(program, folder, &config).await;
    server.workspace("shop").await;
    let ledger = Ledger::start().await;
    let client = server.client("tool", "shop", &[ledger.url()], "task.create").await;
    let api = server.api(&client, "shop").await;

    let written = fill(&api).await;
    let path = format!("/v1.11/tasks/{}", written[0]);
    for number in 0..3 {
        assert!(is_refused_for_now(&api, number).await, "a write fits on a full disk");
        assert_eq!(api.call("GET", &path, None).await.status, 200);
    }
    fs::write(pipe, "room\n").unwrap();
    let recovered = async {
        let mut number = 3;
        while is_refused_for_now(&api, number).await {
            number += 1;
        }
        format!("one more {number}")
    };
    let first_after = timeout(DEADLINE, recovered).await;
    let first_after = first_after.unwrap_or_else(|_| panic!("it does not recover\n{}", server.log()));
    for id in &written {
        assert_eq!(api.call("GET", &format!("/v1.11/tasks/{id}"), None).await.status, 200);
    }
    let deliveries = settled(&server).await;
    let expected: HashSet<String> =
        (0..written.len()).map(|number| format!("large {number}")).chain([first_after]).collect();
    let arrivals = ledger.arrivals();
    assert_eq!(arrivals.keys().cloned().collect::<HashSet<_>>(), expected);
    assert!(arrivals.values().all(|arrived| arrived.len() == 1), "no server crashed: {arrivals:?}");
    assert!(deliveries.iter().all(|one| one["state"] == "delivered" && one["attempts"] == 1));
    println!("full disk: {} records of 300 kB were written before, all are there", written.len());
    assert!(server.terminate().await.success());
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

async fn can_mount() -> bool {
    let mut mount = Command::new("unshare");
    mount.args(["-rm", "mount", "-t", "tmpfs", "-o", "size=1m", "none", "/mnt"]);
    mount.output().await.is_ok_and(|output| output.status.success())
}

/// The program as a script that gives it a small disk for its database.
async fn prepare(folder: &Path) -> PathBuf {
    fs::create_dir(folder.join("small")).unwrap();
    let pipe = folder.join("small.pipe");
    assert!(Command::new("mkfifo").arg(pipe).status().await.unwrap().success());
    let script = folder.join("gatepost");
    let text = ON_A_SMALL_DISK.replace("FOLDER", &folder.display().to_string()).replace("PROGRAM", PROGRAM);
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    script
}

/// Writes until there is no room, and gives the ids of what was written.
async fn fill(api: &Api) -> Vec<String> {
    let mut written = Vec::new();
    loop {
        let title = format!("large {}", written.len());
        let task = json!({ "title": title, "descriptionHTML": "x".repeat(300_000) });
        let answer = api.call("POST", "/v1.11/tasks", Some(&task)).await;
        if answer.status != 200 {
            assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{}", answer.text());
            assert_eq!(answer.json()["code"], 503);
            return written;
        }
        written.push(answer.json()["_id"].as_str().unwrap().to_owned());
        assert!(written.len() < 1_000, "the disk does not get full");
    }
}

/// Whether a write is refused, and in the form of what passes.
async fn is_refused_for_now(api: &Api, number: u32) -> bool {
    let task = json!({ "title": format!("one more {number}"), "descriptionHTML": "x".repeat(300_000) });
    let answer = api.call("POST", "/v1.11/tasks", Some(&task)).await;
    assert!(matches!(answer.status, 200 | 503), "{} {}", answer.status, answer.text());
    answer.status == 503 && answer.header("retry-after") == "1"
}
