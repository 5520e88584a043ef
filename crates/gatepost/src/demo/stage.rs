//! Where the story is played: a folder, a server process, a receiver.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use gatepost_model::{Random, SystemRandom};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use super::client::{Answer, Caller};
use super::receiver::Receiver;

/// The pauses between tries in the demo: a retry should be seen, not waited for.
const CONFIG: &str = r#"[webhooks]
retry_schedule = ["1s", "2s", "4s", "8s"]
allow_networks = ["127.0.0.0/8"]
"#;

/// Everything that the story needs.
pub(super) struct Stage {
    folder: PathBuf,
    program: PathBuf,
    server: Child,
    pub(super) caller: Caller,
    pub(super) receiver: Receiver,
    step: usize,
}

impl Stage {
    /// Makes a folder and starts a server in it.
    pub(super) async fn set() -> anyhow::Result<Self> {
        let folder =
            std::env::temp_dir().join(format!("gatepost-demo-{:08x}", SystemRandom.next_u64() >> 32));
        let data = folder.join("data");
        tokio::fs::create_dir_all(&data).await.context("cannot make a folder for the demo")?;
        let config = folder.join("gatepost.toml");
        tokio::fs::write(&config, CONFIG).await?;
        let program = std::env::current_exe().context("cannot find the program itself")?;
        let listen = free_address().await?;
        println!("Gatepost demo: a throw-away deployment in {}", folder.display());
        let server = Command::new(&program)
            .arg("serve")
            .args(["--listen", &listen])
            .arg("--data")
            .arg(&data)
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.join("server.log"))?)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the server")?;
        let caller = Caller::new(&format!("http://{listen}"))?;
        let receiver = Receiver::start().await?;
        let mut stage = Self { folder, program, server, caller, receiver, step: 0 };
        stage.say("Start a server", &format!("gatepost serve --listen {listen} --data {}", data.display()));
        stage.wait_until_up().await?;
        stage.check(true, &format!("it answers at {}", stage.caller.base()))?;
        Ok(stage)
    }

    /// Tells a step and the line that does the same by hand.
    pub(super) fn say(&mut self, what: &str, by_hand: &str) {
        self.step += 1;
        println!("\n{:>2}. {what}", self.step);
        for line in by_hand.lines() {
            println!("    $ {line}");
        }
    }

    /// Tells what was seen, and stops the demo if it is not what must be seen.
    pub(super) fn check(&self, holds: bool, what: &str) -> anyhow::Result<()> {
        if holds {
            println!("    ok  {what}");
            return Ok(());
        }
        println!("    NOT {what}");
        bail!("step {} did not come out as it must: {what}", self.step)
    }

    /// Runs a command of the command line and reads its JSON.
    pub(super) async fn gatepost(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let output = Command::new(&self.program)
            .args(arguments)
            .arg("--json")
            .arg("--data")
            .arg(self.data())
            .stdin(Stdio::null())
            .output()
            .await
            .context("cannot run the program itself")?;
        let line = arguments.join(" ");
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "gatepost {line} failed: {}", error.trim());
        if output.stdout.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&output.stdout).with_context(|| format!("gatepost {line} printed no JSON"))
    }

    /// The line that runs a command of the command line by hand.
    pub(super) fn by_hand(&self, arguments: &[&str]) -> String {
        let quoted = arguments.iter().map(|word| {
            if word.contains([' ', '*', '?', '&']) { format!("'{word}'") } else { (*word).to_owned() }
        });
        format!("gatepost {} --data {}", quoted.collect::<Vec<_>>().join(" "), self.data().display())
    }

    /// Calls the REST API.
    pub(super) async fn call(
        &self,
        method: &str,
        path: &str,
        token: &str,
        business: Option<&str>,
        body: &str,
    ) -> anyhow::Result<Answer> {
        let authorization = format!("Bearer {token}");
        let mut headers = vec![("authorization", &*authorization), ("content-type", "application/json")];
        headers.extend(business.map(|name| ("business", name)));
        self.caller.send(method, path, &headers, body.to_owned()).await
    }

    /// The curl line of such a call, with the token shortened.
    pub(super) fn curl(&self, method: &str, path: &str, business: Option<&str>, body: &str) -> String {
        let mut line = String::from("curl -s");
        if method != "GET" {
            line.push_str(&format!(" -X {method}"));
        }
        line.push_str(" -H \"Authorization: Bearer $TOKEN\"");
        if let Some(name) = business {
            line.push_str(&format!(" -H 'business: {name}'"));
        }
        if !body.is_empty() {
            line.push_str(&format!(" -H 'Content-Type: application/json' -d '{body}'"));
        }
        format!("{line} {}{path}", self.caller.base())
    }

    /// Leaves the server up until Ctrl-C.
    pub(super) async fn keep(&mut self) -> anyhow::Result<()> {
        let data = self.data();
        println!("\nThe server stays up at {} until you press Ctrl-C. To go on:", self.caller.base());
        println!("    gatepost client list --data {}", data.display());
        println!("    gatepost delivery list --data {}", data.display());
        println!("    export TOKEN=$(gatepost token CLIENT_ID --data {})", data.display());
        println!(
            "    curl -s -H \"Authorization: Bearer $TOKEN\" -H 'business: the-ceramic-school' {}/v1.11/tasks",
            self.caller.base()
        );
        tokio::select! {
            stopped = tokio::signal::ctrl_c() => stopped.context("cannot wait for Ctrl-C"),
            ended = self.server.wait() => bail!("the server ended: {}", ended?),
        }
    }

    /// Stops the server and removes the folder.
    pub(super) async fn clear(mut self) -> anyhow::Result<()> {
        self.server.kill().await.context("cannot stop the server")?;
        tokio::fs::remove_dir_all(&self.folder).await.context("cannot remove the demo's folder")
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    async fn wait_until_up(&mut self) -> anyhow::Result<()> {
        let started = async {
            loop {
                if self
                    .caller
                    .send("GET", "/readyz", &[], String::new())
                    .await
                    .is_ok_and(|ready| ready.status == 200)
                {
                    return Ok(());
                }
                if let Some(status) = self.server.try_wait()? {
                    bail!("the server ended with {status}: {}", log(&self.folder));
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(20), started).await {
            Ok(started) => started,
            Err(_) => bail!("the server did not answer within twenty seconds: {}", log(&self.folder)),
        }
    }
}

fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("server.log")).unwrap_or_default()
}

/// An address that is free now, for a server that is started at once.
async fn free_address() -> anyhow::Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no free port for the server")?;
    Ok(listener.local_addr()?.to_string())
}
