//! What a command prints, and how it ends.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::send::Answer;

/// Something was refused or failed.
const FAILED: u8 = 1;

/// What was named does not exist.
const NOT_FOUND: u8 = 3;

/// How answers are printed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    /// As JSON instead of for people.
    pub(super) json: bool,
}

/// Why a command did not do what it should.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The admin API refused it.
    #[error("{}", .0.body["message"].as_str().unwrap_or("the answer has no message"))]
    Refused(Answer),
    /// It did not come so far.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

impl Output {
    /// Prints to stdout. That nobody reads it (any more) is no failure.
    ///
    /// # Errors
    /// If it cannot be written for another reason.
    pub(super) fn print(&self, value: &Value, show: impl FnOnce(&Value) -> String) -> Result<(), Failure> {
        let text = if self.json { pretty(value) } else { show(value) };
        write_line(io::stdout().lock(), &text).map_err(|error| {
            Failure::Failed(anyhow::Error::from(error).context("the answer cannot be written"))
        })
    }

    /// Says something beside the answer, on stderr.
    pub(super) fn note(&self, text: &str) {
        // If even this cannot be written, there is nobody to tell.
        let _ = write_line(io::stderr().lock(), text);
    }

    /// Says on stderr why a command did not do what it should.
    #[must_use]
    pub(super) fn fail(&self, failure: &Failure) -> ExitCode {
        self.note(&if self.json { pretty(&failure.as_json()) } else { failure.as_text() });
        ExitCode::from(failure.code())
    }
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Refused(answer) if answer.status == http::StatusCode::NOT_FOUND => NOT_FOUND,
            Self::Refused(_) | Self::Failed(_) => FAILED,
        }
    }

    fn as_text(&self) -> String {
        match self {
            Self::Refused(answer) => match answer.body["help"].as_str() {
                Some(help) => format!("error: {self}\n{help}"),
                None => format!("error: {self}"),
            },
            Self::Failed(error) => format!("error: {error:#}"),
        }
    }

    fn as_json(&self) -> Value {
        match self {
            Self::Refused(answer) => answer.body.clone(),
            Self::Failed(error) => json!({ "name": "failed", "message": format!("{error:#}") }),
        }
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

fn write_line(mut to: impl Write, text: &str) -> io::Result<()> {
    let written = to.write_all(text.as_bytes()).and_then(|()| to.write_all(b"\n")).and_then(|()| to.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure_but_a_full_disk_is() {
        assert!(write_line(Failing(io::ErrorKind::BrokenPipe), "x").is_ok());
        assert!(write_line(Failing(io::ErrorKind::StorageFull), "x").is_err());
    }

    #[test]
    fn failures_have_a_code_and_words_in_both_forms() {
        let refused = |status, body| Failure::Refused(Answer { status, body });
        let missing = refused(StatusCode::NOT_FOUND, json!({ "message": "there is no API client \"x\"" }));
        assert_eq!((missing.code(), missing.as_text().as_str()), (3, "error: there is no API client \"x\""));
        let wrong = refused(StatusCode::BAD_REQUEST, json!({ "message": "m", "help": "h" }));
        assert_eq!((wrong.code(), wrong.as_text().as_str()), (1, "error: m\nh"));
        assert_eq!(wrong.as_json()["help"], "h");
        let failed = Failure::from(anyhow::anyhow!("inner").context("outer"));
        assert_eq!((failed.code(), failed.as_text().as_str()), (1, "error: outer: inner"));
        assert_eq!(failed.as_json()["message"], "outer: inner");
    }
}
