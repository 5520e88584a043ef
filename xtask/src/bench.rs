//! Builds the product and its bench as they are released, and runs the bench. What it measures stands in
//! `docs/performance.md`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::metadata::cargo;

const BENCH: &str = "gatepost-bench";

/// Runs the bench with the arguments that were given. What cargo says goes to standard error, so that standard output
/// is the bench's alone.
pub(crate) fn run(root: &Path, given: &[&str]) -> Result<()> {
    let mut build = cargo(root);
    build.args(["build", "--release", "--package", "gatepost", "--package", BENCH]);
    build.args(["--message-format", "json-render-diagnostics"]).stderr(Stdio::inherit());
    let output = build.output().context("cargo cannot be run")?;
    ensure!(output.status.success(), "the build failed, see above");
    let bench = executable(&String::from_utf8_lossy(&output.stdout))
        .context("cargo did not name the bench's binary")?;
    let status = Command::new(&bench).args(given).status();
    let status = status.with_context(|| format!("{} cannot be run", bench.display()))?;
    ensure!(status.success(), "the bench failed, see above");
    Ok(())
}

#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// The bench's binary among what cargo says it built, one JSON object a line.
fn executable(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let is_bench = |message: &Message| message.target.as_ref().is_some_and(|target| target.name == BENCH);
    messages.filter(is_bench).find_map(|message| message.executable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bench_is_found_among_what_was_built() {
        let messages = r#"
            {"reason":"compiler-artifact","target":{"name":"gatepost"},"executable":"/t/gatepost"}
            {"reason":"compiler-artifact","target":{"name":"gatepost-bench"},"executable":"/t/gatepost-bench"}
            {"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages), Some(PathBuf::from("/t/gatepost-bench")));
        assert_eq!(executable("not JSON"), None);
    }
}
