//! The built program on a machine whose clock is wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::folder::Folder;
use crate::postgres::{finish, sound};

/// Comes between the program and the machine's clock.
const WRONG_CLOCK: &str = r#"#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = syscall(SYS_clock_gettime, clock, time);
    if (clock == CLOCK_REALTIME) time->tv_sec += atoi(getenv("SECONDS_FAST"));
    return result;
}
"#;

/// Makes programs that are the same but for their clock.
#[derive(Debug)]
pub struct WrongClocks {
    folder: Folder,
}

impl WrongClocks {
    /// Builds what makes clocks wrong.
    ///
    /// # Panics
    /// If the C compiler does not build it.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it runs a compiler")]
    pub fn new() -> Self {
        let clocks = Self { folder: Folder::new() };
        let source = clocks.folder.path().join("clock.c");
        sound(fs::write(&source, WRONG_CLOCK).map_err(|error| error.to_string()));
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(clocks.library()).arg(&source);
        sound(finish(&mut compiler));
        clocks
    }

    /// The program with a clock that is fast by so many seconds, or slow if they are negative.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn fast_by(&self, seconds: i32, program: &Path) -> PathBuf {
        let script = self.folder.path().join(format!("fast-by-{seconds}"));
        let text = format!(
            "#!/bin/sh\nLD_PRELOAD=\"{}\" SECONDS_FAST={seconds} exec \"{}\" \"$@\"\n",
            self.library().display(),
            program.display()
        );
        let written = fs::write(&script, text)
            .and_then(|()| fs::set_permissions(&script, fs::Permissions::from_mode(0o755)));
        sound(written.map_err(|error| error.to_string()));
        script
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("clock.so")
    }
}
