//! Copying the database while it is in use.
//!
//! The writer copies, a few pages between two groups. Its own changes reach the copy by themselves, so the
//! copy never starts over, is the state of one moment (its end), and no read transaction holds the
//! write-ahead log for as long as it takes.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::connection::{create_private, sync_folder};
use super::writer::Writer;
use crate::error::StoreError;

/// Pages copied between two groups: about a millisecond.
const PAGES_PER_STEP: i32 = 64;

/// Copies the whole database to the new file `to`, running `writer`'s groups in between.
pub(super) fn backup(writer: &mut Writer, source: &Connection, to: &Path) -> Result<(), StoreError> {
    if to.exists() {
        return Err(StoreError::Backup(format!("{} exists already; choose another name", to.display())));
    }
    let partial = partial_name(to);
    if !create_private(&partial).map_err(|error| failed(&partial, &error))? {
        let message = format!("{} is left over or being written; remove it first", partial.display());
        return Err(StoreError::Backup(message));
    }
    let done = copy(writer, source, &partial).and_then(|()| finish(&partial, to));
    if done.is_err() {
        // The error that is returned says more than a failure to clean up after it would.
        let _ = fs::remove_file(&partial);
    }
    done
}

/// A backup bears its name only once it is whole.
fn partial_name(to: &Path) -> PathBuf {
    let mut name = to.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

fn copy(writer: &mut Writer, source: &Connection, partial: &Path) -> Result<(), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut target = Connection::open_with_flags(partial, flags)?;
    // A copy that breaks off is thrown away, and a whole one is synced below.
    target.pragma_update(None, "journal_mode", "OFF")?;
    target.pragma_update(None, "synchronous", "OFF")?;
    let copying = Backup::new(source, &mut target)?;
    loop {
        match copying.step(PAGES_PER_STEP)? {
            StepResult::Done => return Ok(()),
            StepResult::More => writer.turn(source),
            _ => return Err(StoreError::Busy),
        }
    }
}

fn finish(partial: &Path, to: &Path) -> Result<(), StoreError> {
    let finished = fs::File::open(partial)
        .and_then(|file| file.sync_all())
        // Unlike a rename, a link never replaces a file that appeared meanwhile.
        .and_then(|()| fs::hard_link(partial, to))
        .and_then(|()| fs::remove_file(partial))
        .and_then(|()| sync_folder(to));
    finished.map_err(|error| failed(to, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Backup(format!("{}: {error}", path.display()))
}
