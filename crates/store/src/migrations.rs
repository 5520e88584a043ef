//! The tables' history: numbered texts, each run once, never changed and never undone.
//!
//! One text serves both engines. Where they differ beyond the tokens of [`crate::dialect`], a line
//! `-- @sqlite` or `-- @postgres` begins a section for one of them and `-- @both` ends it; say why beside it.

use std::collections::BTreeMap;

use crate::dialect::Dialect;
use crate::error::StoreError;

/// All migrations of this release, in order.
pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "initial", text: include_str!("migrations/0001_initial.sql") },
    Migration { number: 2, name: "people", text: include_str!("migrations/0002_people.sql") },
    Migration { number: 3, name: "calls", text: include_str!("migrations/0003_calls.sql") },
    Migration { number: 4, name: "invitations", text: include_str!("migrations/0004_invitations.sql") },
    Migration { number: 5, name: "admin tokens", text: include_str!("migrations/0005_admin_tokens.sql") },
    Migration { number: 6, name: "attempt counts", text: include_str!("migrations/0006_attempt_counts.sql") },
    Migration { number: 7, name: "delivery lists", text: include_str!("migrations/0007_delivery_lists.sql") },
    Migration { number: 8, name: "event feed", text: include_str!("migrations/0008_event_feed.sql") },
    Migration { number: 9, name: "failing urls", text: include_str!("migrations/0009_failing_urls.sql") },
    Migration { number: 10, name: "replays", text: include_str!("migrations/0010_replays.sql") },
    Migration { number: 11, name: "makers", text: include_str!("migrations/0011_makers.sql") },
    Migration { number: 12, name: "url headers", text: include_str!("migrations/0012_url_headers.sql") },
    Migration { number: 13, name: "notices", text: include_str!("migrations/0013_notices.sql") },
];

/// One step of the tables' history.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its place in the order, from 1 without gaps.
    pub number: u32,
    /// What it does, in a word or two.
    pub name: &'static str,
    /// Statements with tokens and sections.
    pub text: &'static str,
}

/// Where a migration stands in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationState {
    /// It was run as it is now.
    Applied,
    /// It is yet to be run.
    Pending,
    /// It was run, but its text was another then.
    Changed,
    /// It was run by a release that knows it; this one does not.
    Unknown,
}

/// One migration of the release or the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Its place in the order.
    pub number: u32,
    /// What it is called.
    pub name: String,
    /// Where it stands.
    pub state: MigrationState,
}

/// What [`crate::Store::migrate`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationReport {
    /// The migrations that were run, in order; none if the tables were up to date.
    pub applied: Vec<MigrationStatus>,
    /// The number of the last migration that the database has now; 0 if none.
    pub current: u32,
}

/// A migration as the database remembers it.
pub(crate) struct Applied {
    pub(crate) name: String,
    pub(crate) checksum: i64,
}

impl Migration {
    /// Tells whether the text is still the one that was run: FNV-1a over its bytes. It is no defence against
    /// malice, which could write to the tables anyway.
    pub(crate) fn checksum(&self) -> i64 {
        let hash = self.text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        hash.cast_signed()
    }

    /// The statements for one engine.
    pub(crate) fn rendered(&self, dialect: Dialect) -> Result<String, StoreError> {
        let rendered = dialect.render(&section(self.text, dialect));
        rendered.map(|rendered| rendered.text).map_err(|error| self.failed(&error))
    }

    /// Says which migration failed.
    pub(crate) fn failed(&self, error: &StoreError) -> StoreError {
        StoreError::Migration(format!("{} \"{}\" failed and was undone: {error}", self.number, self.name))
    }
}

fn section(text: &str, dialect: Dialect) -> String {
    let mut ours = true;
    let mut lines = Vec::new();
    for line in text.lines() {
        match line.trim().strip_prefix("-- @") {
            Some("both") => ours = true,
            Some(name) => ours = name == dialect.name(),
            None if ours => lines.push(line),
            None => {}
        }
    }
    lines.join("\n")
}

/// Where each migration of the release and of the database stands, in order.
pub(crate) fn status(known: &[Migration], applied: &BTreeMap<u32, Applied>) -> Vec<MigrationStatus> {
    let of_release = known.iter().map(|migration| MigrationStatus {
        number: migration.number,
        name: migration.name.to_owned(),
        state: match applied.get(&migration.number) {
            None => MigrationState::Pending,
            Some(applied) if applied.checksum == migration.checksum() => MigrationState::Applied,
            Some(_) => MigrationState::Changed,
        },
    });
    let unknown = applied
        .iter()
        .filter(|(number, _)| known.iter().all(|known| known.number != **number))
        .map(|(number, applied)| MigrationStatus {
            number: *number,
            name: applied.name.clone(),
            state: MigrationState::Unknown,
        });
    let mut all: Vec<_> = of_release.chain(unknown).collect();
    all.sort_by_key(|status| status.number);
    all
}

/// The migrations yet to be run.
///
/// # Errors
/// [`StoreError::Migration`] if the database's history is not a beginning of this release's.
pub(crate) fn pending<'m>(
    known: &'m [Migration],
    applied: &BTreeMap<u32, Applied>,
) -> Result<Vec<&'m Migration>, StoreError> {
    check_order(known)?;
    for status in status(known, applied) {
        let MigrationStatus { number, name, state } = status;
        let reason = match state {
            MigrationState::Changed => format!(
                "migration {number} \"{name}\" was run with another text than this release has; run the release that \
                 made these tables, or restore a backup"
            ),
            MigrationState::Unknown => format!(
                "migration {number} \"{name}\" is not known to this release; the database was used by a newer one, \
                 which must be run from now on"
            ),
            MigrationState::Pending if applied.keys().any(|later| *later > number) => {
                format!("migration {number} \"{name}\" was left out, though later ones were run")
            }
            MigrationState::Applied | MigrationState::Pending => continue,
        };
        return Err(StoreError::Migration(reason));
    }
    Ok(known.iter().filter(|migration| !applied.contains_key(&migration.number)).collect())
}

fn check_order(known: &[Migration]) -> Result<(), StoreError> {
    match (1..).zip(known).find(|(number, migration)| *number != migration.number) {
        None => Ok(()),
        Some((number, migration)) => {
            let message = format!("\"{}\" has number {}, not {number}", migration.name, migration.number);
            Err(StoreError::Migration(message))
        }
    }
}
