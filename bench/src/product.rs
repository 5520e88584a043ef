//! The product: the real binary, set up through its command line, with one thread for requests.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use gatepost_store::tables::deliveries;
use gatepost_store::{Location, Store, StoreOptions};
use serde::Deserialize;

use crate::machine::Pinning;
use crate::process::{Process, free_address};
use crate::wire::{self, request};

const TASKS: &str = "/v1.11/tasks";

/// What differs from a server as it is installed.
const CONFIG: &str = r#"
[server]
threads = 1
[webhooks]
allow_networks = ["127.0.0.0/8"]
[log]
level = "error"
"#;

/// A running server with one client, and what its callers need to know.
pub(crate) struct Product {
    pub(crate) process: Process,
    data: PathBuf,
    client: Client,
    token: String,
    pub(crate) workspaces: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Client {
    client_id: String,
    client_secret: String,
}

#[derive(Deserialize)]
struct Issued {
    access_token: String,
}

#[derive(Deserialize)]
struct Made {
    #[serde(rename = "_id")]
    id: String,
}

impl Product {
    /// Sets up `workspaces` workspaces, and a client that has all of them and `urls` webhook URLs at the receiver.
    pub(crate) async fn start(
        pinning: Pinning,
        data: PathBuf,
        (workspaces, urls): (usize, usize),
        receiver: SocketAddr,
    ) -> Result<Self> {
        fs::create_dir_all(&data)?;
        fs::write(data.join("gatepost.toml"), CONFIG)?;
        let binary = binary()?;
        let workspaces: Vec<String> = (1..=workspaces).map(|number| format!("bench-{number}")).collect();
        for workspace in &workspaces {
            cli(&binary, &data, &["workspace", "create", workspace, "--name", "Bench"])?;
        }
        let mut create =
            ["client", "create", "--name", "Bench", "--rate-limit", "4000000000"].map(String::from).to_vec();
        create
            .extend(workspaces.iter().flat_map(|workspace| [String::from("--workspace"), workspace.clone()]));
        for number in 0..urls {
            create.extend([String::from("--webhook-url"), format!("http://{receiver}/{number}")]);
        }
        create.extend(["--method", "task.create", "--api-version", "1.11"].map(String::from));
        let client = cli(&binary, &data, &create.iter().map(String::as_str).collect::<Vec<_>>())?;
        let client: Client = serde_json::from_str(&client).context("the client's JSON is not as expected")?;

        let address = free_address()?;
        let mut serve = pinning.command(&binary);
        serve.args(["serve", "--listen", &address.to_string(), "--data"]).arg(&data).stdout(Stdio::null());
        let process = Process::start(serve, address).await?;
        let mut product = Self { process, data, client, token: String::new(), workspaces };
        let issued = wire::ask(address, &product.token_request("/oauth/token"), 200).await?;
        product.token = serde_json::from_str::<Issued>(&issued)?.access_token;
        Ok(product)
    }

    /// A look at the server's database from outside, which costs it nothing.
    pub(crate) fn watch(&self) -> Result<Watch> {
        let location = Location::Sqlite(self.data.join("gatepost.db"));
        Ok(Watch(Store::open(
            &location,
            StoreOptions { readers: 1, point_readers: 1, ..StoreOptions::default() },
        )?))
    }

    /// Asks for a token at `path`.
    pub(crate) fn token_request(&self, path: &str) -> Vec<u8> {
        let Client { client_id, client_secret } = &self.client;
        let body =
            format!("grant_type=client_credentials&client_id={client_id}&client_secret={client_secret}");
        request("POST", path, &[("content-type", "application/x-www-form-urlencoded")], &body)
    }

    /// Makes a record of `body` in `workspace`.
    pub(crate) fn write_request(&self, workspace: &str, body: &str) -> Vec<u8> {
        let authorization = format!("Bearer {}", self.token);
        let headers = [
            ("authorization", authorization.as_str()),
            ("business", workspace),
            ("content-type", "application/json"),
        ];
        request("POST", TASKS, &headers, body)
    }

    /// Makes a record of `body` in the first workspace, and tells its id and JSON text.
    pub(crate) async fn make(&self, body: &str) -> Result<(String, String)> {
        let workspace = self.workspaces.first().context("there is no workspace")?;
        let text = wire::ask(self.process.address, &self.write_request(workspace, body), WRITTEN).await?;
        Ok((serde_json::from_str::<Made>(&text)?.id, text))
    }

    /// Reads the record.
    pub(crate) fn read_request(&self, id: &str) -> Vec<u8> {
        self.read_as(&self.token, &self.workspaces[0], id)
    }

    /// Reads the record with a token whose signature is wrong.
    pub(crate) fn bad_token_request(&self, id: &str) -> Vec<u8> {
        let altered: String = self.token.chars().rev().take(6).collect();
        let token = format!("{}{altered}", &self.token[..self.token.len() - 6]);
        self.read_as(&token, &self.workspaces[0], id)
    }

    /// Reads the record in a workspace that the client is not enabled for.
    pub(crate) fn wrong_workspace_request(&self, id: &str) -> Vec<u8> {
        self.read_as(&self.token, "elsewhere", id)
    }

    fn read_as(&self, token: &str, workspace: &str, id: &str) -> Vec<u8> {
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str()), ("business", workspace)];
        request("GET", &format!("{TASKS}/{id}"), &headers, "")
    }
}

/// The status of a write that was done.
pub(crate) const WRITTEN: u16 = 200;

/// The server's database, seen from outside.
pub(crate) struct Watch(Store);

impl Watch {
    /// Whether every delivery is recorded as ended.
    pub(crate) async fn all_recorded(&self) -> Result<bool> {
        Ok(self.0.read_point(deliveries::next_due).await?.is_none())
    }
}

/// `gatepost` as it was built beside the bench.
fn binary() -> Result<PathBuf> {
    let binary = std::env::current_exe()?.with_file_name("gatepost");
    ensure!(binary.exists(), "{} is not there; `cargo xtask bench` builds it", binary.display());
    Ok(binary)
}

fn cli(binary: &Path, data: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(binary);
    command.args(arguments).arg("--json").arg("--data").arg(data);
    let output = command.stderr(Stdio::inherit()).output().context("gatepost cannot be run")?;
    ensure!(output.status.success(), "gatepost {} failed, see above", arguments.join(" "));
    Ok(String::from_utf8(output.stdout)?)
}
