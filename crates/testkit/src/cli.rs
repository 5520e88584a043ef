//! The built program, run as people run it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use crate::engine::Database;

/// No command of a test takes longer.
const DEADLINE: Duration = Duration::from_secs(30);

/// The program, with the data folder and the database that every command is about.
#[derive(Clone, Debug)]
pub struct Cli {
    program: PathBuf,
    data: PathBuf,
    database: Database,
}

/// How a command ended, and what it said.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The exit code; -1 if a signal ended it.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Ran {
    /// What it printed, if it ended with this code.
    ///
    /// # Panics
    /// With all that it said, if it ended otherwise.
    #[must_use]
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        self
    }
}

impl Cli {
    /// The program at `program`, `env!("CARGO_BIN_EXE_gatepost")`, for a deployment in `data` that is yet to be made.
    ///
    /// # Panics
    /// If there is no database for it.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>, data: impl Into<PathBuf>) -> Self {
        Self::of(program, data, Database::new())
    }

    pub(crate) fn of(program: impl Into<PathBuf>, data: impl Into<PathBuf>, database: Database) -> Self {
        Self { program: program.into(), data: data.into(), database }
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Everything that is stored on a database server, with bytes in hexadecimal. None on SQLite: its files lie in the data
    /// folder.
    #[must_use]
    pub fn rows(&self) -> Option<String> {
        self.database.rows()
    }

    /// A command of the program, not yet started, with nothing of this process's configuration.
    #[must_use]
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--data").arg(&self.data);
        if let Some(address) = self.database.address() {
            command.args(["--database", address]);
        }
        command.stdin(Stdio::null()).kill_on_drop(true);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GATEPOST__") {
                command.env_remove(name);
            }
        }
        command
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// If it cannot be run, or does not end in time.
    #[expect(clippy::panic, reason = "a test without its command cannot go on")]
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        let output = tokio::time::timeout(DEADLINE, self.command(arguments).output());
        match output.await {
            Ok(Ok(output)) => Ran {
                code: output.status.code().unwrap_or(-1),
                stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            },
            Ok(Err(error)) => panic!("{arguments:?}: {error}"),
            Err(_) => panic!("{arguments:?} did not end"),
        }
    }

    /// Runs a command that must succeed, and gives what it printed for people.
    ///
    /// # Panics
    /// If it fails.
    pub async fn text(&self, arguments: &[&str]) -> String {
        self.run(arguments).await.expect(0).stdout
    }

    /// Runs a command that must succeed with `--json`, and gives its answer.
    ///
    /// # Panics
    /// If it fails, or prints no JSON.
    #[expect(clippy::expect_used, reason = "a test without its answer cannot go on")]
    pub async fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.run(&[arguments, &["--json"]].concat()).await.expect(0);
        serde_json::from_str(&ran.stdout).expect("the answer is JSON")
    }
}
