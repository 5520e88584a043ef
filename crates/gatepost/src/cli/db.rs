//! `gatepost db …`

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Map, Value};

use super::call::{Call, Needs, path, put};
use super::copy::CopyCommand;
use super::show::{Details, items, row, table, text};
use crate::deployment::absolute;

/// The database.
#[derive(Debug, Subcommand)]
pub(super) enum DbCommand {
    #[command(flatten)]
    Call(DbCall),
    Copy(CopyCommand),
}

/// What the server, or this process in its place, does to its own database.
#[derive(Debug, Subcommand)]
pub(super) enum DbCall {
    /// Bring the tables to the form that this release needs.
    ///
    /// `gatepost serve` does this when it starts; make a backup first.
    #[command(after_help = "Example:\n  gatepost db backup before.db && gatepost db migrate")]
    Migrate,
    /// Show the release and where each migration stands. Nothing is changed.
    #[command(after_help = "Example:\n  gatepost db status --json")]
    Status,
    /// Copy the database to a new file while it is in use.
    ///
    /// The keys are not in it: keep a copy of keys.toml elsewhere.
    #[command(after_help = "Example:\n  gatepost db backup gatepost-backup.db")]
    Backup {
        /// The new file. It must not exist.
        file: PathBuf,
    },
}

impl DbCall {
    /// What is asked of the admin API.
    #[must_use]
    pub(super) fn call(&self) -> Call {
        match self {
            Self::Migrate => Call::post(path(&["migrate"]), Map::new(), migrated)
                .needing(Needs::NewDatabase)
                .on_the_machine(),
            Self::Status => Call::get(path(&["status"]), status).needing(Needs::Database).on_the_machine(),
            Self::Backup { file } => {
                let mut body = Map::new();
                // The server may run in another folder.
                put(&mut body, "path", Some(absolute(file)));
                Call::post(path(&["backup"]), body, backed_up).needing(Needs::Database).on_the_machine()
            }
        }
    }
}

fn migrated(report: &Value) -> String {
    match items(&report["applied"]) {
        [] => format!("The tables are up to date (migration {}).", text(&report["current"])),
        applied => {
            let names = applied.iter().map(|one| format!("{} {}", text(&one["number"]), text(&one["name"])));
            format!("Migrated: {}.", names.collect::<Vec<_>>().join(", "))
        }
    }
}

fn status(status: &Value) -> String {
    let release = Details::new(format!("Gatepost {}", text(&status["version"])));
    let migrations = items(&status["schema"]["migrations"]);
    let rows = migrations.iter().map(|one| row(one, &["number", "name", "state"])).collect();
    format!(
        "{}\n\n{}",
        release.finish(),
        table(&["MIGRATION", "NAME", "STATE"], rows, "There are no migrations.")
    )
}

fn backed_up(backup: &Value) -> String {
    format!("The database was copied to {}. Keep a copy of keys.toml elsewhere.", text(&backup["path"]))
}
