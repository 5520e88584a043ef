//! Measures the product beside the limits of the parts that it is made of, in one run and in turns. What is measured,
//! and how to read it, stands in docs/performance.md; `cargo xtask bench` builds and runs it.

#![expect(clippy::print_stdout, reason = "a command line tool talks on standard output")]

mod figure;
mod limit;
mod load;
mod machine;
mod process;
mod product;
mod receiver;
mod report;
mod rows;
mod run;
mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};

use crate::machine::{Pinning, Use};
use crate::rows::{ROWS, Row};
use crate::run::{Pace, Run};

/// As in the product: a limit that allocated more slowly would flatter it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the product beside the limits of the parts that it is made of.
#[derive(Parser)]
#[command(name = "gatepost-bench", args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    limit: Option<Limit>,
    #[command(flatten)]
    bench: Bench,
}

#[derive(Args)]
struct Bench {
    /// 3 short rounds instead of 15, without the rows over 100 workspaces: ends within a minute
    #[arg(long)]
    quick: bool,
    /// Print a JSON array instead of a table
    #[arg(long)]
    json: bool,
    /// Only these rows
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    rows: Vec<String>,
}

#[derive(Subcommand)]
enum Limit {
    /// Serves the bare parts that the product is held against (started by the bench itself)
    #[command(hide = true)]
    Limit { listen: SocketAddr, folder: PathBuf, receiver: SocketAddr },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = match arguments.limit {
        Some(Limit::Limit { listen, folder, receiver }) => limit::serve(listen, &folder, receiver).await,
        None => bench(&arguments.bench).await,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn bench(arguments: &Bench) -> Result<()> {
    let rows = chosen(arguments)?;
    let pinning = Pinning::of_this_machine();
    let run = Run::new(pinning, if arguments.quick { Pace::QUICK } else { Pace::FULL })?;
    for warning in pinning.warning().into_iter().chain(machine::load_warning()) {
        eprintln!("warning: {warning}");
    }
    let sync = machine::sync_time(run.folder()).context("the disk's sync time cannot be measured")?;
    let before = Use::now();
    let mut results = Vec::with_capacity(rows.len());
    for row in rows {
        eprintln!("{} …", row.name);
        let result = run.row(row).await.with_context(|| format!("row {}", row.name))?;
        results.push(result);
    }
    drop(run);
    let others = before.others_since();
    if arguments.json {
        println!("{}", report::json(&results, sync)?);
    } else {
        print!("{}", report::table(&results, sync, others));
    }
    if let Some(warning) = others.warning() {
        eprintln!("warning: {warning}");
    }
    Ok(())
}

fn chosen(arguments: &Bench) -> Result<Vec<&'static Row>> {
    if arguments.rows.is_empty() {
        return Ok(ROWS.iter().filter(|row| !arguments.quick || !row.is_spread()).collect());
    }
    let known = || ROWS.iter().map(|row| row.name).collect::<Vec<_>>().join(", ");
    let find = |name: &String| match ROWS.iter().find(|row| row.name == name) {
        Some(row) => Ok(row),
        None => bail!("there is no row `{name}`; there are {}", known()),
    };
    arguments.rows.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_fits_together() {
        Arguments::command().debug_assert();
        let arguments = Arguments::parse_from(["bench", "--quick", "--rows", "token,delivered"]);
        let names: Vec<_> = chosen(&arguments.bench).unwrap().iter().map(|row| row.name).collect();
        assert_eq!(names, ["token", "delivered"]);
        let arguments = Arguments::parse_from(["bench", "--rows", "nonsense"]);
        assert!(chosen(&arguments.bench).is_err());
    }
}
