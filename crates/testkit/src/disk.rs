//! Disks for a test's PostgreSQL: a small one that gets full, and one that takes its time to sync.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::folder::Folder;
use crate::postgres::{finish, sound};

/// Mounts, says so, and unmounts when whoever asked for it is gone.
const MOUNT: &str = r#"mount -t tmpfs -o "size=$2" none "$1" || exit 1
chmod 777 "$1"; echo mounted; cat > /dev/null; umount -l "$1""#;

/// A sync that takes as many milliseconds as the file `slow` says.
const SLOW_SYNC: &str = r#"#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static void linger(void) {
    int milliseconds = 0;
    FILE *file = fopen(SLOW, "r");
    if (!file) return;
    if (fscanf(file, "%d", &milliseconds) == 1) usleep(milliseconds * 1000);
    fclose(file);
}

int fdatasync(int file) { linger(); return syscall(SYS_fdatasync, file); }
int fsync(int file) { linger(); return syscall(SYS_fsync, file); }
"#;

/// A disk of a few megabytes. It is gone when this is dropped.
#[derive(Debug)]
pub struct SmallDisk {
    folder: Folder,
    guard: Child,
    hold: Option<ChildStdin>,
}

impl SmallDisk {
    /// Mounts one of this size, as `mount` takes it; none, and it says so, if this process may not.
    #[must_use]
    pub fn mount(size: &str) -> Option<Self> {
        let folder = Folder::new();
        let mut shell = Command::new("sh");
        shell.args(["-c", MOUNT, "sh"]).arg(folder.path()).arg(size);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut guard = sound(shell.spawn().map_err(|error| format!("sh: {error}")));
        let hold = guard.stdin.take();
        let mut said = String::new();
        if let Some(stdout) = guard.stdout.take() {
            let _ = BufReader::new(stdout).read_line(&mut said);
        }
        if said.trim() == "mounted" {
            return Some(Self { folder, guard, hold });
        }
        eprintln!("skipped: this machine allows no small disk (mount -t tmpfs)");
        let _ = guard.wait();
        None
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Uses up all room but this many bytes.
    ///
    /// # Panics
    /// If it cannot.
    pub fn fill_but(&self, left: u64) {
        let mut filler = sound(File::create(self.filler()).map_err(|error| error.to_string()));
        let zeros = vec![0; 64 * 1024];
        while filler.write_all(&zeros).is_ok() {}
        let shortened = filler.metadata().and_then(|full| filler.set_len(full.len().saturating_sub(left)));
        sound(shortened.map_err(|error| error.to_string()));
    }

    /// Gives that room back.
    ///
    /// # Panics
    /// If it cannot.
    pub fn free(&self) {
        sound(fs::remove_file(self.filler()).map_err(|error| error.to_string()));
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(self.hold.take());
        let _ = self.guard.wait();
    }
}

/// A disk whose syncs can be made slow.
#[derive(Debug)]
pub struct SlowDisk {
    folder: Folder,
}

impl SlowDisk {
    /// Builds what slows it down.
    ///
    /// # Panics
    /// If the C compiler does not build it.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it runs a compiler")]
    pub fn new() -> Self {
        let disk = Self { folder: Folder::new() };
        let source = disk.folder.path().join("slow.c");
        let open = fs::Permissions::from_mode(0o755);
        let written =
            fs::write(&source, SLOW_SYNC).and_then(|()| fs::set_permissions(disk.folder.path(), open));
        sound(written.map_err(|error| error.to_string()));
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(disk.library()).arg(&source);
        compiler.arg(format!("-DSLOW=\"{}\"", disk.told().display()));
        sound(finish(&mut compiler));
        disk
    }

    /// What is to be loaded before the server.
    #[must_use]
    pub fn library(&self) -> PathBuf {
        self.folder.path().join("slow.so")
    }

    /// From now on a sync takes so much longer.
    ///
    /// # Panics
    /// If that cannot be said.
    pub fn slow_down(&self, milliseconds: u32) {
        sound(fs::write(self.told(), milliseconds.to_string()).map_err(|error| error.to_string()));
    }

    fn told(&self) -> PathBuf {
        self.folder.path().join("slow")
    }
}
