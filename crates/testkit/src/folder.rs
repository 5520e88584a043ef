//! A folder that is gone when the test is over.

use std::path::{Path, PathBuf};

use gatepost_model::{Random, SystemRandom};

/// A folder of its own under the system's place for temporary files, removed with all that is in it when dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes a folder.
    ///
    /// # Panics
    /// If the system cannot.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test without a folder cannot go on")]
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("gatepost-test-{:016x}", SystemRandom.next_u64()));
        std::fs::create_dir_all(&path).expect("a temporary folder can be made");
        Self(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Best effort: a leftover in the temporary folder fails no test.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
