//! `cargo xtask test`: every check that a change must pass, the quick ones first.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::metadata::cargo;
use crate::prerequisites;

/// How much of it to run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    Full,
    WithoutDocs,
}

/// Runs the steps until one fails, and tells at the end what was run, how long it took and what the tests
/// counted.
pub(crate) fn run(root: &Path, extent: Extent) -> Result<()> {
    let mut log = Log::default();
    let outcome = steps(root, extent, &mut log);
    log.print();
    outcome
}

fn steps(root: &Path, extent: Extent, log: &mut Log) -> Result<()> {
    log.step("prerequisites", || prerequisites::ensure(root))?;
    log.step("fmt", || {
        succeed(cargo(root).args(["fmt", "--all", "--", "--check"]), "mend: cargo fmt --all")
    })?;
    log.step("layers", || crate::check_layers(root))?;
    log.step("sizes", || crate::check_sizes(root))?;
    log.step("licences", || crate::check_licences(root))?;
    log.step("clippy", || {
        let mut command = cargo(root);
        command.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
        succeed(&mut command, "see above")
    })?;
    if extent == Extent::Full {
        log.step("doc", || {
            let mut command = cargo(root);
            command.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
            succeed(&mut command, "see above")
        })?;
    }
    let mut totals = Totals::default();
    let outcome = test_steps(root, &mut totals, log);
    log.totals = Some(totals);
    outcome
}

/// Packages whose integration tests run on the engine that `GATEPOST_TEST_ENGINE` names. Those of the store and the use
/// cases are on both in every run.
const ON_EITHER_ENGINE: [&str; 4] = ["gatepost", "gatepost-api", "gatepost-ui", "gatepost-webhook"];

/// Every test, and those of the whole product once more on the other engine.
fn test_steps(root: &Path, totals: &mut Totals, log: &mut Log) -> Result<()> {
    log.step("test", || {
        let mut command = cargo(root);
        run_tests(command.args(["test", "--workspace", "--no-fail-fast"]), totals)
    })?;
    log.step("test-postgres", || {
        let mut command = cargo(root);
        command
            .args(["test", "--no-fail-fast", "--test", "it", "--test", "rest"])
            .args(ON_EITHER_ENGINE.iter().flat_map(|package| ["--package", package]))
            .env("GATEPOST_TEST_ENGINE", "postgres");
        run_tests(&mut command, totals)
    })
}

/// Makes the pictures that README and docs show.
pub(crate) fn screenshots(root: &Path) -> Result<()> {
    prerequisites::ensure(root)?;
    let folder = root.join("docs/screenshots");
    std::fs::create_dir_all(&folder)?;
    let mut command = cargo(root);
    command.args(["test", "--package", "gatepost", "--test", "browser", "pictures"]);
    succeed(command.env("GATEPOST_SCREENSHOTS", folder), "see above")
}

fn succeed(command: &mut Command, hint: &str) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().context("cargo cannot be run")?;
    ensure!(status.success(), "failed; {hint}");
    Ok(())
}

/// Shows what the tests print, and counts them, those of failing binaries too.
fn run_tests(command: &mut Command, totals: &mut Totals) -> Result<()> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().context("cargo cannot be run")?;
    let output = child.stdout.take().context("the tests' output is not to be had")?;
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        totals.add(&line);
    }
    ensure!(child.wait()?.success(), "failed; see above");
    Ok(())
}

/// Sums over the test binaries.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Totals {
    /// Adds the closing line of one binary (`test result: ok. 3 passed; 0 failed; …`); other lines count nothing.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for count in counts.split("; ") {
            let Some((number, what)) = count.split_once(' ') else { continue };
            let number = number.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

/// What was run so far.
#[derive(Default)]
struct Log {
    steps: Vec<(&'static str, Duration, bool)>,
    totals: Option<Totals>,
}

impl Log {
    fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        println!("\n=== {name}");
        let started = now();
        let outcome = work();
        let took = started.elapsed();
        println!("=== {name}: {}, {:.1} s", verdict(outcome.is_ok()), took.as_secs_f64());
        self.steps.push((name, took, outcome.is_ok()));
        outcome.with_context(|| format!("step `{name}`"))
    }

    fn print(&self) {
        println!("\n{:<15} {:>7}", "step", "seconds");
        for (name, took, ok) in &self.steps {
            println!("{name:<15} {:>7.1}  {}", took.as_secs_f64(), verdict(*ok));
        }
        if let Some(Totals { passed, failed, ignored }) = &self.totals {
            let skipped = if *ignored > 0 { format!(", {ignored} skipped") } else { String::new() };
            println!("\n{passed} passed, {failed} failed{skipped}");
        }
    }
}

fn verdict(ok: bool) -> &'static str {
    if ok { "ok" } else { "FAILED" }
}

#[expect(clippy::disallowed_methods, reason = "steps take real time, and no clock of a test is involved")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_summed_over_the_binaries() {
        let mut totals = Totals::default();
        totals.add("running 3 tests");
        totals.add(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s",
        );
        totals.add(
            "test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s",
        );
        assert_eq!(totals, Totals { passed: 7, failed: 2, ignored: 1 });
    }

    #[test]
    fn a_failed_step_is_kept_and_named() {
        let mut log = Log::default();
        let error = log.step("sizes", || anyhow::bail!("1 breach")).unwrap_err();
        assert_eq!(format!("{error:#}"), "step `sizes`: 1 breach");
        assert!(!log.steps[0].2);
    }
}
