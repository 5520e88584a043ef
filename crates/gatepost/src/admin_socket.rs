//! The Unix socket through which commands reach the running server. The operating system is its guard: only the
//! server's own user can open it.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, bail};
use tokio::net::UnixListener;

use crate::data_folder::FILE_MODE;

/// The longest path that fits a socket's address on every system that Gatepost runs on.
const LONGEST_PATH: usize = 100;

/// Listens at `path`. What an earlier server left there is replaced: the caller holds the data folder's lock, so nobody
/// listens there any more.
///
/// # Errors
/// If the path is too long for a socket, or something else than a socket is there.
pub fn bind(path: &Path) -> anyhow::Result<UnixListener> {
    if path.as_os_str().len() > LONGEST_PATH {
        bail!(
            "\"{}\" is too long for a socket: choose a data folder with a shorter path, or set server.admin_socket",
            path.display()
        );
    }
    remove(path);
    let listener = UnixListener::bind(path)
        .with_context(|| format!("the admin socket \"{}\" cannot be opened", path.display()))?;
    fs::set_permissions(path, Permissions::from_mode(FILE_MODE))
        .with_context(|| format!("the admin socket \"{}\" cannot be kept from others", path.display()))?;
    Ok(listener)
}

/// Removes the socket. A file of another kind is left alone: binding will complain of it.
pub fn remove(path: &Path) {
    use std::os::unix::fs::FileTypeExt;
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if is_socket
        && let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "the admin socket could not be removed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_folder::TestFolder;

    #[tokio::test]
    async fn the_socket_is_its_owners_only_and_replaces_a_left_one() {
        let folder = TestFolder::new();
        let path = folder.path().join("admin.sock");
        drop(bind(&path).unwrap());
        assert!(path.exists(), "a socket outlives its listener");
        let _listener = bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        remove(&path);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_file_in_its_place_and_a_path_too_long_are_refused() {
        let folder = TestFolder::new();
        let path = folder.path().join("admin.sock");
        fs::write(&path, "mine").unwrap();
        assert!(bind(&path).unwrap_err().to_string().contains("admin.sock"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        let long = folder.path().join("x".repeat(120));
        assert!(bind(&long).unwrap_err().to_string().contains("server.admin_socket"));
    }
}
