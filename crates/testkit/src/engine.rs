//! Which database engine the servers of the tests have: `GATEPOST_TEST_ENGINE`, `sqlite` unless it says `postgres`.

use gatepost_store::{Location, PostgresUrl};

use crate::postgres;

const VARIABLE: &str = "GATEPOST_TEST_ENGINE";

/// A database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Embedded: a file in the data folder.
    Sqlite,
    /// A server that all tests of this process share, with a schema for each deployment.
    Postgres,
}

impl Engine {
    /// The one that this run is about.
    ///
    /// # Panics
    /// If the variable names no engine.
    #[must_use]
    #[expect(clippy::panic, reason = "tests on another engine than was meant would prove nothing")]
    pub fn chosen() -> Self {
        match std::env::var(VARIABLE).as_deref() {
            Err(_) | Ok("" | "sqlite") => Self::Sqlite,
            Ok("postgres") => Self::Postgres,
            Ok(other) => panic!("{VARIABLE}: \"{other}\" is no engine; there are sqlite and postgres"),
        }
    }
}

/// Whether this run is on SQLite. If not it prints that the test is skipped, and why it is about SQLite alone.
#[must_use]
pub fn is_sqlite(why: &str) -> bool {
    let is_sqlite = Engine::chosen() == Engine::Sqlite;
    if !is_sqlite {
        eprintln!("skipped: on SQLite only, for {why}");
    }
    is_sqlite
}

/// Where a deployment keeps its tables, if that is not the file in its data folder.
#[derive(Clone, Debug)]
pub(crate) struct Database(Option<String>);

impl Database {
    /// A new one, with nothing in it.
    #[expect(clippy::expect_used, reason = "a test without its database cannot go on")]
    pub(crate) fn new() -> Self {
        Self(match Engine::chosen() {
            Engine::Sqlite => None,
            Engine::Postgres => Some(postgres::shared().expect("PostgreSQL is installed").schema()),
        })
    }

    /// The one at this address.
    pub(crate) const fn at(address: String) -> Self {
        Self(Some(address))
    }

    /// Its address.
    pub(crate) fn address(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// All rows of its tables, with bytes in hexadecimal. None of a file, which can be looked into as it is.
    pub(crate) fn rows(&self) -> Option<String> {
        let schema = self.address()?.rsplit("%3D").next()?;
        let dump = format!("SET xmlbinary = hex; SELECT schema_to_xml('{schema}', false, false, '')");
        Some(postgres::shared()?.execute(&dump))
    }

    /// The same for a configuration, whose own is `own`.
    pub(crate) fn location(&self, own: Location) -> Location {
        self.address().map_or(own, |address| Location::Postgres(PostgresUrl::new(address)))
    }
}
