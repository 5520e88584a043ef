//! The file of the deployment's keys: made once, for its owner's eyes only, and never made anew behind its owner's back.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use gatepost_keys::{Keyring, KeyringError};
use gatepost_model::{Random, ids};

use crate::data_folder::FILE_MODE;

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Others can read it.
    #[error(
        "the key file \"{0}\" can be read by others (mode {1:03o}). Run `chmod 600 {0}`; if somebody may have read it, \
         rotate every client's secret"
    )]
    Open(String, u32),
    /// It is gone, but the database still has what was made with it.
    #[error(
        "the key file \"{0}\" is missing, but the database has API clients, whose secrets only the keys in it can \
         recognise. Put it back from your backup. If it is lost for good, begin with a new data folder"
    )]
    Lost(String),
    /// It is no key file.
    #[error("\"{0}\": {1}")]
    Unreadable(String, KeyringError),
    /// The machine could not do it.
    #[error("the key file \"{0}\" cannot be used: {1}")]
    Io(String, io::Error),
}

/// Reads the keys, or makes them where there are none and nothing depends on lost ones yet.
///
/// # Errors
/// If the file can be read by others, is missing although there are clients, or is no key file.
pub fn load_or_create(path: &Path, has_clients: bool, random: &dyn Random) -> Result<Keyring, KeyFileError> {
    let name = path.display().to_string();
    let failed = |error| KeyFileError::Io(path.display().to_string(), error);
    match fs::metadata(path) {
        Ok(found) => {
            let mode = found.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(KeyFileError::Open(name, mode));
            }
            let text = fs::read_to_string(path).map_err(failed)?;
            Keyring::parse(&text).map_err(|error| KeyFileError::Unreadable(name, error))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && has_clients => Err(KeyFileError::Lost(name)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let keyring = Keyring::generate(random);
            let text = keyring.to_text().map_err(|error| KeyFileError::Unreadable(name, error))?;
            write_new(path, text.expose(), random).map_err(failed)?;
            Ok(keyring)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Writes a file that appears whole or not at all, and survives a power cut once this returns.
fn write_new(path: &Path, text: &str, random: &dyn Random) -> io::Result<()> {
    let beside = path.with_extension(format!("{}.new", ids::base62(8, random)));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_folder::TestFolder;
    use gatepost_model::SystemRandom;
    use std::fs::Permissions;

    #[test]
    fn keys_are_made_once_and_read_again() {
        let folder = TestFolder::new();
        let path = folder.path().join("keys.toml");
        let first = load_or_create(&path, false, &SystemRandom).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let second = load_or_create(&path, true, &SystemRandom).unwrap();
        assert!(second.recognises(&first.verifier("gps_x"), "gps_x"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn keys_that_others_can_read_are_refused() {
        let folder = TestFolder::new();
        let path = folder.path().join("keys.toml");
        load_or_create(&path, false, &SystemRandom).unwrap();
        for mode in [0o644, 0o640, 0o604] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let error = load_or_create(&path, false, &SystemRandom).unwrap_err().to_string();
            assert!(error.contains("can be read by others") && error.contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn lost_keys_are_not_made_anew_where_clients_need_them() {
        let folder = TestFolder::new();
        let path = folder.path().join("keys.toml");
        let error = load_or_create(&path, true, &SystemRandom).unwrap_err();
        assert!(matches!(error, KeyFileError::Lost(_)), "{error}");
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_is_no_key_file_is_named() {
        let folder = TestFolder::new();
        let path = folder.path().join("keys.toml");
        write_new(&path, "nonsense", &SystemRandom).unwrap();
        let error = load_or_create(&path, false, &SystemRandom).unwrap_err().to_string();
        assert!(error.contains("keys.toml") && error.contains("the key file cannot be read"), "{error}");
    }
}
