//! The project's own commands: `cargo xtask COMMAND`. What each check is for, and how to mend what it
//! finds, stands in `docs/testing.md`.

#![expect(clippy::print_stdout, reason = "a command line tool talks on standard output")]

mod bench;
mod breach;
mod deny;
mod layers;
mod leftovers;
mod licences;
mod metadata;
mod paths;
mod pipeline;
mod prerequisites;
mod rust_text;
mod sizes;
mod sql;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  test [--fast]   everything that CI runs, in its order, stopping at the first failure (alias: ci);
                  --fast leaves the docs build out
  bench [--quick] [--json] [--rows NAME,…]
                  the product beside the limits of its parts (docs/performance.md); builds both first
  screenshots     pictures of the main pages, anew, into docs/screenshots
  check-layers    which crate may depend on which, and where SQL, drivers and web parts may stand
  sizes           file sizes, leftovers, sleeps in tests, paths that lead nowhere
  licences        licences of all dependencies, and crates that must not be linked";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let root = workspace_root()?;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["test" | "ci"] => pipeline::run(&root, pipeline::Extent::Full),
        ["test" | "ci", "--fast"] => pipeline::run(&root, pipeline::Extent::WithoutDocs),
        ["bench", given @ ..] => bench::run(&root, given),
        ["screenshots"] => pipeline::screenshots(&root),
        ["check-layers"] => check_layers(&root),
        ["sizes"] => check_sizes(&root),
        ["licences"] => check_licences(&root),
        [] | ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        unknown => bail!("`cargo xtask {}` is not known\n\n{USAGE}", unknown.join(" ")),
    }
}

/// Cargo tells where this package lies, so the commands work from any folder of the checkout.
fn workspace_root() -> Result<PathBuf> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").context("run this as `cargo xtask`")?;
    let root = Path::new(&package).parent().context("the package lies in no folder")?;
    Ok(root.to_owned())
}

fn check_layers(root: &Path) -> Result<()> {
    let packages = metadata::declared(root)?;
    let bans = deny::read(root)?.bans.deny;
    let tree = tree::read(root)?;
    let mut breaches = layers::edges(&packages);
    breaches.extend(layers::confined(&packages, &bans));
    breaches.extend(layers::http_clients(&tree));
    breaches.extend(sql::strays(&tree));
    breach::report("layers", &breaches)
}

fn check_sizes(root: &Path) -> Result<()> {
    let tree = tree::read(root)?;
    println!("{}", sizes::summary(&tree));
    let mut breaches = sizes::oversized(&tree);
    breaches.extend(leftovers::in_code(&tree));
    breaches.extend(leftovers::sleeps(&tree));
    breaches.extend(paths::of_one_machine(&tree));
    breaches.extend(paths::dead_in_architecture(&tree));
    breach::report("sizes", &breaches)
}

fn check_licences(root: &Path) -> Result<()> {
    let linked = metadata::linked(root)?;
    let policy = deny::read(root)?;
    breach::report("licences", &licences::check(&linked, &policy))
}
