//! `gatepost listen`: speaks to a server anywhere, as the client itself would; there is no deployment on this machine.

use std::io::{self, Write};

use anyhow::{Context, bail};
use clap::Args;
use gatepost_keys::{Plain, WebhookKey};
use gatepost_model::SystemRandom;
use gatepost_model::webhook::PayloadShape;

use super::output::{Failure, Output};
use crate::listen::{Line, Listening, Report};
use crate::remote::Remote;

/// Holds the client's secret.
const SECRET: &str = "GATEPOST_CLIENT_SECRET";

/// Holds a signing key, if it is not to be a new one each time.
const SIGNING_KEY: &str = "GATEPOST_SIGNING_KEY";

/// Print a client's events as they happen, and hand them on to a program on this machine as webhooks.
///
/// Only methods that are ticked for the client come, as with webhooks. It needs no webhook URL, no tunnel and no open port:
/// it asks the server's feed of events. The client's secret is read from GATEPOST_CLIENT_SECRET.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  GATEPOST_CLIENT_SECRET=gps_… gatepost listen --server https://api.example.com --client-id gpc_… \\\n    \
                  --workspace the-ceramic-school --forward http://localhost:3000/hooks\n\n\
                  Webhooks are signed with a key that is printed at the start, or with that in GATEPOST_SIGNING_KEY."
)]
pub(super) struct ListenCommand {
    /// Where the server is.
    #[arg(long, value_name = "URL")]
    server: String,
    /// The client's id, gpc_….
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// A workspace that the client is enabled for; may be given several times.
    #[arg(long = "workspace", value_name = "SUBDOMAIN", required = true)]
    workspaces: Vec<String>,
    /// Where to hand events on to.
    #[arg(long, value_name = "URL")]
    forward: Option<String>,
    /// Begin at this time instead of now.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// What bodies are: the record, or an envelope of type, timestamp and data.
    #[arg(long, value_parser = ["record", "envelope"], default_value = "record")]
    payload: String,
}

impl ListenCommand {
    /// Listens until Ctrl-C.
    ///
    /// # Errors
    /// If something is wrong that does not pass by itself.
    pub(super) async fn run(&self, output: Output) -> Result<(), Failure> {
        let listening = self.listening(&output)?;
        let report = Printer(output);
        tokio::select! {
            end = listening.run(&report) => Ok(end?),
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    }

    fn listening(&self, output: &Output) -> anyhow::Result<Listening> {
        let server = Remote::new(&self.server)?;
        if server.is_readable() {
            output.note("warning: over http:// everybody on the way can read the secret; use https:// if the server has it");
        }
        let secret = variable(SECRET)?.with_context(|| {
            format!("set {SECRET} to the client's secret, gps_…; as an argument every program on this machine could see it")
        })?;
        let forward = match &self.forward {
            Some(url) => {
                let payload = PayloadShape::from_name(&self.payload).context("--payload")?;
                Some((Remote::new(url).context("--forward")?, signing_key(output)?, payload))
            }
            None => None,
        };
        output.note(&format!(
            "Listening for what happens in {} from {}. Stop with Ctrl-C.",
            self.workspaces.join(", "),
            self.since.as_deref().unwrap_or("now on")
        ));
        Ok(Listening {
            server,
            client_id: self.client_id.clone(),
            secret: Plain::new(secret),
            workspaces: self.workspaces.clone(),
            since: self.since.clone(),
            forward,
        })
    }
}

fn signing_key(output: &Output) -> anyhow::Result<WebhookKey> {
    if let Some(text) = variable(SIGNING_KEY)? {
        return WebhookKey::parse(&text).context(SIGNING_KEY);
    }
    let text = WebhookKey::generate(&SystemRandom);
    output.note(&format!("Signing key of this session: {}", text.expose()));
    Ok(WebhookKey::parse(text.expose())?)
}

fn variable(name: &'static str) -> anyhow::Result<Option<String>> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value.trim().to_owned()).filter(|value| !value.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => bail!("{name} is not text"),
    }
}

struct Printer(Output);

impl Report for Printer {
    fn event(&self, line: &Line) -> anyhow::Result<()> {
        let text = if self.0.json { line.json().to_string() } else { line.text() };
        writeln!(io::stdout().lock(), "{text}").context("nobody reads the events any more")
    }

    fn note(&self, text: &str) {
        self.0.note(text);
    }
}
