//! The command line: reads what was typed, builds one call of the admin API, prints the answer.
//!
//! No command has logic of its own, so a change by the command line, the API and the pages is the same change, and one
//! that is made while a server runs is in force there when the command returns. To add a command: its arguments and its
//! call in its subject's file, and a line in the table of `tests`.

mod admin_token;
mod audit;
mod call;
mod client;
mod config;
mod copy;
mod db;
mod delivery;
mod invitation;
mod listen;
mod method;
mod network;
mod output;
mod person;
mod replay;
mod request;
mod send;
mod serve;
mod show;
#[cfg(test)]
mod tests;
mod token;
mod webhook_url;
mod workspace;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use tokio::runtime::{Builder, Runtime};

use self::call::Call;
use self::output::{Failure, Output};
use self::send::Answer;
use crate::config::{Config, Inputs, Log, LogFormat};
use crate::{demo, telemetry};

/// API clients, tokens, the gate and webhooks for products with workspaces.
#[derive(Debug, Parser)]
#[command(name = "gatepost", version, propagate_version = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Commands work with the server running or stopped; a change is in force in a running server when the command returns.
With --server they work on another machine's, within the scopes of the admin token in GATEPOST_ADMIN_TOKEN.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 what was named does not exist.
Errors go to stderr, with --json as JSON.

Examples:
  gatepost demo
  gatepost serve
  gatepost workspace create the-ceramic-school --name \"The Ceramic School\"
  gatepost client create --name \"CRM sync\" --workspace the-ceramic-school \\
    --webhook-url https://hooks.example.com/gatepost --method 'task.*'";

/// Where the flags of [`Common`] stand in every command's help.
const EVERYWHERE: &str = "Everywhere";

/// What every command takes.
#[derive(Args, Clone, Debug)]
struct Common {
    /// The data folder: database, keys, the running server's socket.
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "DIR", default_value = "gatepost-data")]
    data: PathBuf,
    /// The database, if it is not the one in the data folder: a file path, sqlite:PATH or postgres://USER@HOST/NAME.
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "URL")]
    database: Option<String>,
    /// The configuration file [default: gatepost.toml in the data folder, if it is there].
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A server on another machine: its https:// address. The admin token is read from GATEPOST_ADMIN_TOKEN.
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "URL")]
    server: Option<String>,
    /// Print JSON, as the admin API answers it.
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeCommand),
    /// Play the whole story once, in a throw-away deployment, and check every step.
    #[command(after_help = "Example:\n  gatepost demo --keep")]
    Demo {
        /// Leave the server up afterwards and say how to go on.
        #[arg(long)]
        keep: bool,
    },
    #[command(subcommand)]
    Workspace(workspace::WorkspaceCommand),
    #[command(subcommand)]
    Client(Box<client::ClientCommand>),
    #[command(subcommand)]
    WebhookUrl(webhook_url::WebhookUrlCommand),
    Token(token::TokenCommand),
    #[command(subcommand)]
    Delivery(delivery::DeliveryCommand),
    #[command(subcommand)]
    Replay(replay::ReplayCommand),
    #[command(subcommand)]
    Request(request::RequestCommand),
    #[command(subcommand)]
    Person(person::PersonCommand),
    #[command(subcommand)]
    Invitation(invitation::InvitationCommand),
    #[command(subcommand)]
    AdminToken(admin_token::AdminTokenCommand),
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    #[command(subcommand)]
    Method(method::MethodCommand),
    Listen(listen::ListenCommand),
    #[command(subcommand)]
    Db(db::DbCommand),
    #[command(subcommand)]
    Config(config::ConfigCommand),
}

/// Runs the command line. The first argument is the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    // This ends the process by itself for --help (0) and wrong usage (2).
    let cli = Cli::parse_from(arguments);
    let output = Output { json: cli.common.json };
    match perform(&cli, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output.fail(&failure),
    }
}

fn perform(cli: &Cli, output: Output) -> Result<(), Failure> {
    let inputs = cli.inputs();
    if cli.common.server.is_some() && cli.command.is_of_the_machine() {
        return Err(Failure::Failed(anyhow::anyhow!(
            "this command is about the machine that it runs on: leave --server out"
        )));
    }
    let call = match &cli.command {
        Command::Config(command) => return command.run(&inputs, &output),
        Command::Demo { keep } => return Ok(runtime(1)?.block_on(demo::run(*keep))?),
        Command::Serve(_) => {
            let config = load(&inputs)?;
            telemetry::start(&config.log);
            return Ok(runtime(config.server.threads)?.block_on(serve::run(&config, &inputs, output))?);
        }
        Command::Listen(command) => return runtime(1)?.block_on(command.run(output)),
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
        Command::Db(db::DbCommand::Copy(command)) => {
            let config = load(&inputs)?;
            telemetry::start(&quiet());
            return runtime(1)?.block_on(command.run(&config, &inputs.data, output));
        }
        Command::Db(db::DbCommand::Call(command)) => command.call(),
    };
    let answer = match &cli.common.server {
        Some(server) => {
            telemetry::start(&quiet());
            let token = std::env::var(network::TOKEN).ok();
            runtime(1)?.block_on(network::Server::new(server, token)?.send(&call))?
        }
        None => {
            let config = load(&inputs)?;
            telemetry::start(&quiet());
            runtime(1)?.block_on(send::send(&call, &config, &inputs.data))?
        }
    };
    tell(&call, answer, output)
}

fn tell(call: &Call, answer: Answer, output: Output) -> Result<(), Failure> {
    if !answer.status.is_success() {
        return Err(Failure::Refused(answer));
    }
    output.print(&answer.body, call.show)?;
    let entries = answer.body.as_array().map(Vec::len);
    if call.page.is_some_and(|page| entries == usize::try_from(page).ok()) {
        output.note("There may be more: ask for those after the last one, or for more with --limit.");
    }
    Ok(())
}

/// A command speaks for itself; only what went wrong inside is of interest besides.
fn quiet() -> Log {
    Log { format: LogFormat::Text, level: String::from("warn") }
}

fn load(inputs: &Inputs) -> Result<Config, Failure> {
    inputs.load().map_err(|problems| Failure::Failed(problems.into()))
}

/// One thread needs no pool of threads.
fn runtime(threads: u32) -> anyhow::Result<Runtime> {
    let mut builder = match usize::try_from(threads) {
        Ok(0 | 1) | Err(_) => Builder::new_current_thread(),
        Ok(threads) => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
    };
    builder.enable_all().build().context("the program cannot start its runtime")
}

impl Command {
    /// Whether it is about this machine itself rather than about what a server manages.
    const fn is_of_the_machine(&self) -> bool {
        matches!(
            self,
            Self::Serve(_) | Self::Demo { .. } | Self::Config(_) | Self::Db(db::DbCommand::Copy(_))
        )
    }
}

impl Cli {
    /// Where the configuration of this call comes from.
    fn inputs(&self) -> Inputs {
        let mut flags = Vec::new();
        if let Some(database) = &self.common.database {
            flags.push(("--database", "store.database", database.clone()));
        }
        if let Command::Serve(serve::ServeCommand { listen: Some(listen) }) = &self.command {
            flags.push(("--listen", "server.listen", listen.clone()));
        }
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Inputs {
            data: self.common.data.clone(),
            file: self.common.config.clone(),
            environment: environment.collect(),
            flags,
        }
    }
}
