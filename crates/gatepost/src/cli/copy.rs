//! `gatepost db copy`: the one command that asks no deployment but works on two databases, while no server runs.

use std::path::Path;

use anyhow::{Context, bail};
use clap::Args;
use gatepost_model::{Clock, SystemClock};
use gatepost_store::copy::{self, Copied, Step};
use gatepost_store::{Location, Store};
use serde_json::{Value, json};

use super::output::{Failure, Output};
use super::show::{items, text};
use crate::config::{Config, location};
use crate::data_folder::{DataFolder, Lock};
use crate::deployment::store_options;

/// How many rows are written between two lines about it.
const BETWEEN_LINES: u64 = 50_000;

/// Copy a whole database into an empty one: from SQLite to PostgreSQL, or back.
///
/// Stop all servers first. Every table is copied and compared by count and checksum; until all agree, no server starts on
/// the copy. The keys are not in it: whoever uses the copy needs the same keys.toml.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  gatepost db copy --from gatepost-data/gatepost.db --to postgres://gatepost@db.example/gatepost\n\n\
                  A password is best left to GATEPOST__STORE__DATABASE: a side that is not named is the configured database."
)]
pub(super) struct CopyCommand {
    /// The database to copy [default: the configured one].
    #[arg(long, value_name = "URL", value_parser = location)]
    from: Option<Location>,
    /// The database to fill, which must be empty [default: the configured one].
    #[arg(long, value_name = "URL", value_parser = location)]
    to: Option<Location>,
}

impl CopyCommand {
    /// Copies, and prints what came of it. The folder `data` is locked if one of the databases is a file.
    ///
    /// # Errors
    /// If anything keeps it from being whole.
    pub(super) async fn run(&self, config: &Config, data: &Path, output: Output) -> Result<(), Failure> {
        let report = self.copy(config, data, output).await?;
        output.print(&report, copied)
    }

    async fn copy(&self, config: &Config, data: &Path, output: Output) -> anyhow::Result<Value> {
        let configured = &config.store.location;
        let from = self.from.as_ref().unwrap_or(configured);
        let to = self.to.as_ref().unwrap_or(configured);
        if from == to {
            bail!("{from} cannot be copied onto itself: name another database with --from or --to");
        }
        let _lock = lock(data, [from, to])?;
        let source = open(config, from, true)?;
        let target = open(config, to, false)?;
        let now = SystemClock::default().now();
        let kept = config.retention.events.max(config.retention.refused_requests);
        let done =
            copy::copy(&source, &target, (now.minus(kept), now), |table, step| tell(output, table, step));
        let done = done.await;
        source.close().await;
        target.close().await;
        Ok(report((from, to), &done?))
    }
}

/// Keeps servers and other commands of the folder out, if one of the databases is a file.
fn lock(data: &Path, sides: [&Location; 2]) -> anyhow::Result<Option<Lock>> {
    if !sides.iter().any(|side| matches!(side, Location::Sqlite(_))) {
        return Ok(None);
    }
    match DataFolder::create(data)?.try_lock()? {
        Some(lock) => Ok(Some(lock)),
        None => {
            bail!("a gatepost server or command uses the data folder \"{}\": stop it first", data.display())
        }
    }
}

fn open(config: &Config, location: &Location, must_exist: bool) -> anyhow::Result<Store> {
    if let Location::Sqlite(path) = location
        && must_exist
        && !path.exists()
    {
        bail!("there is no database \"{location}\"");
    }
    let options = copy::options(store_options(config));
    Store::open(location, options).with_context(|| format!("the database \"{location}\" cannot be opened"))
}

fn tell(output: Output, table: &str, step: Step) {
    match step {
        Step::Written(rows) if rows % BETWEEN_LINES == 0 => {
            output.note(&format!("{table}: {rows} rows so far"))
        }
        Step::Written(_) => {}
        Step::Verified(sum) => output.note(&format!("{table}: {} rows, the same on both sides", sum.rows)),
    }
}

fn report((from, to): (&Location, &Location), copied: &[Copied]) -> Value {
    let tables = copied.iter().map(|copied| {
        let Copied { table, sum } = copied;
        json!({ "table": table.name, "rows": sum.rows, "checksum": sum.checksum.to_string() })
    });
    json!({
        "from": from.to_string(),
        "to": to.to_string(),
        "rows": copied.iter().map(|copied| copied.sum.rows).sum::<u64>(),
        "tables": tables.collect::<Vec<_>>(),
    })
}

fn copied(report: &Value) -> String {
    format!(
        "Copied {} rows of {} tables to {}; counts and checksums agree.\n\
         The keys are not in the database: give whoever uses it this deployment's keys.toml.",
        text(&report["rows"]),
        items(&report["tables"]).len(),
        text(&report["to"]),
    )
}
