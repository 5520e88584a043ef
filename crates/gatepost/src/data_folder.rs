//! The data folder: where a deployment keeps everything of its own, for its owner's eyes only.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The mode of the folder: only its owner enters it.
pub const FOLDER_MODE: u32 = 0o700;

/// The mode of every file in it.
pub const FILE_MODE: u32 = 0o600;

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    /// There is none.
    #[error(
        "there is no Gatepost deployment in \"{0}\". Name its folder with --data, or make one there: \
         `gatepost serve` or `gatepost workspace create` does"
    )]
    Missing(String),
    /// Others could put files of theirs into it.
    #[error(
        "the data folder \"{0}\" can be written to by others (mode {1:03o}): run `chmod 700 {0}`, or choose another"
    )]
    Open(String, u32),
    /// The machine could not do it.
    #[error("the data folder \"{0}\" cannot be used: {1}")]
    Io(String, io::Error),
}

/// A data folder that exists and that nobody else can write to.
#[derive(Clone, Debug)]
pub struct DataFolder {
    path: PathBuf,
}

impl DataFolder {
    /// The folder at `path`, made if it does not exist.
    ///
    /// # Errors
    /// If it cannot be made, or others can write to it.
    pub fn create(path: &Path) -> Result<Self, DataFolderError> {
        let failed = |error| DataFolderError::Io(path.display().to_string(), error);
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path).map_err(failed)?;
        if fs::read_dir(path).map_err(failed)?.next().is_none() {
            // An empty folder was made for this: take it over.
            fs::set_permissions(path, Permissions::from_mode(FOLDER_MODE)).map_err(failed)?;
        }
        Self::at(path)
    }

    /// The folder at `path`, which must hold a deployment.
    ///
    /// # Errors
    /// If there is none, or others can write to it.
    pub fn existing(path: &Path) -> Result<Self, DataFolderError> {
        let folder = Self { path: path.to_owned() };
        if !folder.lock_path().exists() {
            return Err(DataFolderError::Missing(path.display().to_string()));
        }
        Self::at(path)
    }

    fn at(path: &Path) -> Result<Self, DataFolderError> {
        let name = path.display().to_string();
        let mode = match fs::metadata(path) {
            Ok(found) => found.permissions().mode() & 0o777,
            Err(error) => return Err(DataFolderError::Io(name, error)),
        };
        if mode & 0o022 != 0 {
            return Err(DataFolderError::Open(name, mode));
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The deployment's keys.
    #[must_use]
    pub fn keys_path(&self) -> PathBuf {
        self.path.join("keys.toml")
    }

    fn lock_path(&self) -> PathBuf {
        self.path.join("lock")
    }

    /// Takes the folder for this process, unless another one has it. It is given back when the lock is dropped, also by
    /// a process that is killed.
    ///
    /// # Errors
    /// If the lock's file cannot be opened.
    pub fn try_lock(&self) -> Result<Option<Lock>, DataFolderError> {
        let failed = |error| DataFolderError::Io(self.path.display().to_string(), error);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(FILE_MODE)
            .open(self.lock_path())
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

/// The right to be the one process that uses a data folder: a server for its life, a command for the moment.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_folder::TestFolder;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_folder_is_its_owners_only() {
        let parent = TestFolder::new();
        let folder = DataFolder::create(&parent.path().join("a/b")).unwrap();
        assert_eq!(mode(folder.path()), 0o700);
        let empty = parent.path().join("empty");
        fs::create_dir(&empty).unwrap();
        fs::set_permissions(&empty, Permissions::from_mode(0o777)).unwrap();
        DataFolder::create(&empty).unwrap();
        assert_eq!(mode(&empty), 0o700);
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_refused() {
        let folder = TestFolder::new();
        fs::write(folder.path().join("file"), "").unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o770)).unwrap();
        let error = DataFolder::create(folder.path()).unwrap_err().to_string();
        assert!(error.contains("(mode 770)") && error.contains("chmod 700"), "{error}");
    }

    #[test]
    fn only_a_folder_that_was_used_exists() {
        let folder = TestFolder::new();
        let error = DataFolder::existing(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with("there is no Gatepost deployment in "), "{error}");
        DataFolder::create(folder.path()).unwrap().try_lock().unwrap();
        assert!(DataFolder::existing(folder.path()).is_ok());
    }

    #[test]
    fn one_holder_at_a_time() {
        let folder = TestFolder::new();
        let data = DataFolder::create(folder.path()).unwrap();
        let lock = data.try_lock().unwrap();
        assert!(lock.is_some());
        assert!(data.try_lock().unwrap().is_none());
        drop(lock);
        assert!(data.try_lock().unwrap().is_some());
        assert_eq!(mode(&data.lock_path()), 0o600);
    }
}
