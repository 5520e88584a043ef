//! The built program as a server in a process of its own: it can be killed, stopped, started again, and looked at from
//! outside.

use std::fs::{DirBuilder, File, OpenOptions};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use gatepost_model::CrashPoint;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::api::Api;
use crate::app::TestClient;
use crate::cli::Cli;
use crate::folder::Folder;
use crate::http::Http;

/// No start and no stop of a test takes longer.
const DEADLINE: Duration = Duration::from_secs(30);

/// SIGABRT, which ends a process at a crash point.
const ABORTED: i32 = 6;

/// What every such server is told, besides what the test says.
const CONFIG: &str = "[webhooks]\nallow_networks = [\"127.0.0.0/8\"]\n";

/// A `gatepost serve` process on a folder and a port that stay the same when it is started again.
pub struct Process {
    cli: Cli,
    log: PathBuf,
    address: SocketAddr,
    /// Where the next life ends by itself: `GATEPOST_CRASH_AT`.
    crash_at: Option<String>,
    running: Option<Running>,
    /// Speaks to it.
    pub http: Http,
    // Removed when everything that uses it is gone.
    folder: Folder,
}

struct Running {
    child: Child,
    // Nobody reads on after the announcement; closed, it would be a server without a stdout.
    stdout: BufReader<ChildStdout>,
}

impl Process {
    /// Starts the program at `program`, `env!("CARGO_BIN_EXE_gatepost")`, on a new folder and a free port. `webhooks` is
    /// added to that section of its configuration and may go on with others.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(program: impl Into<PathBuf>, webhooks: &str) -> Self {
        Self::start_in(program, Folder::new(), webhooks).await
    }

    /// Starts it on the folder `data` in this folder, whatever is there already.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start_in(program: impl Into<PathBuf>, folder: Folder, webhooks: &str) -> Self {
        let cli = Cli::new(program, folder.path().join("data"));
        Self::start_with(cli, folder, webhooks).await
    }

    /// Starts what this command line, whose data folder is in `folder`, is about.
    #[expect(clippy::expect_used, reason = "a test without its server cannot go on")]
    pub(crate) async fn start_with(cli: Cli, folder: Folder, webhooks: &str) -> Self {
        let data = cli.data();
        DirBuilder::new().recursive(true).mode(0o700).create(data).expect("the data folder");
        std::fs::write(data.join("gatepost.toml"), format!("{CONFIG}{webhooks}\n"))
            .expect("the configuration");
        let mut process = Self {
            cli,
            log: folder.path().join("server.log"),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            crash_at: None,
            running: None,
            http: Http::new(""),
            folder,
        };
        process.restart().await;
        process
    }

    /// Starts it again where it was, after [`Process::kill`] or [`Process::terminate`].
    ///
    /// # Panics
    /// With its log, if it does not start.
    #[expect(clippy::panic, reason = "a test without its server cannot go on")]
    pub async fn restart(&mut self) {
        match tokio::time::timeout(DEADLINE, self.launch()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => panic!("the server does not start: {error:#}\n{}", self.log()),
            Err(_) => panic!("the server does not start in time\n{}", self.log()),
        }
    }

    /// [`Process::restart`], for a life that ends when it is at this point for the so manieth time, which may be before it
    /// is ready: wait for [`Process::crashed`] then.
    pub async fn restart_crashing_at(&mut self, point: CrashPoint, times: u32) {
        self.crash_at = Some(format!("{point}:{times}"));
        // However it ended, `crashed` tells.
        let _ = tokio::time::timeout(DEADLINE, self.launch()).await;
    }

    /// Waits until it has crashed where it was told to.
    ///
    /// # Panics
    /// With its log, if it ends otherwise, or not in time.
    pub async fn crashed(&mut self) {
        let status = self.ended().await;
        assert_eq!(status.signal(), Some(ABORTED), "{status}\n{}", self.log());
    }

    async fn launch(&mut self) -> anyhow::Result<()> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let running = spawn(&self.cli, self.address, self.crash_at.take(), log)?;
        let address = self.running.insert(running).announced().await?;
        self.address = address;
        self.http = Http::new(format!("http://{address}"));
        let ready = self.http.try_send("GET", "/readyz", &[], "").await?;
        if ready.status != 200 {
            bail!("it is not ready: {}", ready.text());
        }
        Ok(())
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The command line on its data folder.
    #[must_use]
    pub const fn cli(&self) -> &Cli {
        &self.cli
    }

    /// The folder that holds its data folder and its log.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it as a power cut would: SIGKILL. When this returns it is gone.
    ///
    /// # Panics
    /// If it does not run.
    #[expect(clippy::expect_used, reason = "a test that cannot kill its server cannot go on")]
    pub async fn kill(&mut self) {
        let mut running = self.running.take().expect("the server runs");
        running.child.kill().await.expect("the server can be killed");
    }

    /// Tells it to stop: SIGTERM. Gives how it ended.
    ///
    /// # Panics
    /// If it does not run, or does not end in time.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM").await;
        self.ended().await
    }

    /// Sends it a signal, by its name without `SIG`.
    ///
    /// # Panics
    /// If it does not run.
    #[expect(clippy::expect_used, reason = "a test that cannot reach its server cannot go on")]
    pub async fn signal(&self, name: &str) {
        let id = self.id().expect("the server runs").to_string();
        let sent = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &id]).status().await;
        assert!(sent.expect("a shell").success(), "SIG{name} could not be sent");
    }

    /// Waits until it has ended by itself, and gives how.
    ///
    /// # Panics
    /// With its log, if it does not end in time.
    #[expect(clippy::expect_used, clippy::panic, reason = "a test whose server hangs cannot go on")]
    pub async fn ended(&mut self) -> ExitStatus {
        let mut running = self.running.take().expect("the server runs");
        match tokio::time::timeout(DEADLINE, running.child.wait()).await {
            Ok(status) => status.expect("the server's end can be seen"),
            Err(_) => panic!("the server does not stop in time\n{}", self.log()),
        }
    }

    /// The process's id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.running.as_ref().and_then(|running| running.child.id())
    }

    /// How much memory it holds (VmRSS), in KiB. None where the system does not say.
    #[must_use]
    pub fn memory_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    /// Everything that it logged, in all its lives.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Process {
    /// Makes a workspace, by the command line.
    ///
    /// # Panics
    /// If it cannot be made.
    pub async fn workspace(&self, subdomain: &str) {
        drop(self.cli.json(&["workspace", "create", subdomain]).await);
    }

    /// Makes a client that is enabled for `workspace` and gets these methods at these URLs, by the command line.
    ///
    /// # Panics
    /// If it cannot be made.
    pub async fn client(&self, name: &str, workspace: &str, urls: &[String], methods: &str) -> TestClient {
        let mut command = vec!["client", "create", "--name", name, "--workspace", workspace];
        command.extend(urls.iter().flat_map(|url| ["--webhook-url", url.as_str()]));
        if !methods.is_empty() {
            command.extend(["--method", methods]);
        }
        let made = self.cli.json(&command).await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let urls = made["webhookUrls"].as_array().map_or(&[][..], Vec::as_slice);
        TestClient {
            id: text(&made["id"]),
            client_id: text(&made["clientId"]),
            secret: text(&made["clientSecret"]),
            signing_keys: urls.iter().map(|url| text(&url["signingSecret"])).collect(),
        }
    }

    /// A token of the client, from the token endpoint.
    ///
    /// # Panics
    /// If it gets none.
    pub async fn token(&self, client: &TestClient) -> String {
        let TestClient { client_id, secret, .. } = client;
        let form = format!("grant_type=client_credentials&client_id={client_id}&client_secret={secret}");
        let answer = self.http.post_form("/oauth/token", &form).await.expect(200);
        answer.json()["access_token"].as_str().unwrap_or_default().to_owned()
    }

    /// The tool that acts in `workspace` with a token of the client.
    ///
    /// # Panics
    /// If it gets no token.
    pub async fn api(&self, client: &TestClient, workspace: &str) -> Api {
        Api::new(self.http.clone(), &self.token(client).await, workspace)
    }
}

/// Starts the server.
fn spawn(cli: &Cli, listen: SocketAddr, crash_at: Option<String>, log: File) -> anyhow::Result<Running> {
    let mut child = cli
        .command(["serve", "--json", "--listen", &listen.to_string()])
        .envs(crash_at.map(|point| ("GATEPOST_CRASH_AT", point)))
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .context("the program cannot be run")?;
    let stdout = BufReader::new(child.stdout.take().context("the program has no stdout")?);
    Ok(Running { child, stdout })
}

impl Running {
    /// Reads where it listens from what it says once it does.
    async fn announced(&mut self) -> anyhow::Result<SocketAddr> {
        let mut said = String::new();
        loop {
            if self.stdout.read_line(&mut said).await? == 0 {
                bail!("it ended: {}", self.child.wait().await?);
            }
            if let Ok(announced) = serde_json::from_str::<Value>(&said) {
                let address = announced["address"].as_str().context("it does not say where it listens")?;
                return Ok(address.parse()?);
            }
        }
    }
}
