//! Disks for a test: a small one that gets full, one that takes its time to sync, and one that fails.

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

/// Reads, writes and syncs of the database's files that fail while the file `fails` is there.
const FAILING: &str = r#"#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fails(int file) {
    char link[64], path[4096];
    ssize_t length;
    if (access(FAILS, F_OK) != 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (strstr(path, "gatepost.db") == NULL) return 0;
    errno = EIO;
    return 1;
}

int fdatasync(int file) { return fails(file) ? -1 : syscall(SYS_fdatasync, file); }
int fsync(int file) { return fails(file) ? -1 : syscall(SYS_fsync, file); }
ssize_t write(int file, const void *bytes, size_t count) {
    return fails(file) ? -1 : syscall(SYS_write, file, bytes, count);
}
ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
    return fails(file) ? -1 : syscall(SYS_pwrite64, file, bytes, count, at);
}
ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) { return pwrite64(file, bytes, count, at); }
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

/// Builds `source`, which comes between a program and the system, and which is told of the file `told` by the name `named`.
fn build(folder: &Folder, source: &str, (named, told): (&str, &Path)) -> PathBuf {
    let (text, library) = (folder.path().join("disk.c"), folder.path().join("disk.so"));
    let open = fs::Permissions::from_mode(0o755);
    let written = fs::write(&text, source).and_then(|()| fs::set_permissions(folder.path(), open));
    sound(written.map_err(|error| error.to_string()));
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&text);
    compiler.arg(format!("-D{named}=\"{}\"", told.display()));
    sound(finish(&mut compiler));
    library
}

/// A disk whose syncs can be made slow.
#[derive(Debug)]
pub struct SlowDisk {
    folder: Folder,
    library: PathBuf,
}

impl SlowDisk {
    /// Builds what slows it down.
    ///
    /// # Panics
    /// If the C compiler does not build it.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it runs a compiler")]
    pub fn new() -> Self {
        let folder = Folder::new();
        let library = build(&folder, SLOW_SYNC, ("SLOW", &folder.path().join("slow")));
        Self { folder, library }
    }

    /// What is to be loaded before the server.
    #[must_use]
    pub fn library(&self) -> PathBuf {
        self.library.clone()
    }

    /// From now on a sync takes so much longer.
    ///
    /// # Panics
    /// If that cannot be said.
    pub fn slow_down(&self, milliseconds: u32) {
        let told = fs::write(self.folder.path().join("slow"), milliseconds.to_string());
        sound(told.map_err(|error| error.to_string()));
    }
}

/// A disk that can be made to fail: what the server writes to its database ends as an I/O error.
#[derive(Debug)]
pub struct FailingDisk {
    folder: Folder,
    library: PathBuf,
}

impl FailingDisk {
    /// Builds what lets it fail.
    ///
    /// # Panics
    /// If the C compiler does not build it.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it runs a compiler")]
    pub fn new() -> Self {
        let folder = Folder::new();
        let library = build(&folder, FAILING, ("FAILS", &folder.path().join("fails")));
        Self { folder, library }
    }

    /// The program with its database on this disk.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn with(&self, program: &Path) -> PathBuf {
        let script = self.folder.path().join("gatepost");
        let text = format!(
            "#!/bin/sh\nLD_PRELOAD=\"{}\" exec \"{}\" \"$@\"\n",
            self.library.display(),
            program.display()
        );
        let written = fs::write(&script, text)
            .and_then(|()| fs::set_permissions(&script, fs::Permissions::from_mode(0o755)));
        sound(written.map_err(|error| error.to_string()));
        script
    }

    /// It fails, or it works again.
    ///
    /// # Panics
    /// If that cannot be said.
    pub fn fails(&self, fails: bool) {
        let told = self.folder.path().join("fails");
        let said = if fails { fs::write(told, "") } else { fs::remove_file(told) };
        sound(said.map_err(|error| error.to_string()));
    }
}
