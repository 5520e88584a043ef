//! A PostgreSQL server of the tests' own: Debian's package, in a temporary folder, on a free port.
//!
//! One server serves all tests of a process, each in a schema of its own, and is gone when the process is, however it
//! ends. It syncs to disk, as it would in production. Where PostgreSQL is not installed tests say so and pass, but with
//! `CI=true` they fail.
//!
//! This file depends on the standard library alone, so that the store's own tests can include it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// What to install where it is missing.
const PACKAGE: &str = "postgresql";

/// The account that Debian's package makes, since the server refuses to run as root.
const ACCOUNT: &str = "postgres";

/// Waits for the end of the process that started it, and leaves nothing of the server behind.
const GUARD: &str =
    "cat >/dev/null; \"$1/pg_ctl\" stop --silent --mode=immediate --pgdata=\"$2/data\"; rm -rf \"$2\"";

/// A database server with its data.
#[derive(Debug)]
pub struct Postgres {
    pub(crate) programs: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
    preload: Option<PathBuf>,
    guard: Option<Child>,
}

/// Where and how a server is run.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Holds its folder; if none is named, where temporary files are.
    pub disk: Option<PathBuf>,
    /// Holds its write-ahead log, if that is elsewhere.
    pub log_disk: Option<PathBuf>,
    /// A library that comes between it and the system's calls.
    pub preload: Option<PathBuf>,
}

/// The server that the tests of this process share; none if PostgreSQL is not installed.
///
/// # Panics
/// If it is installed and does not start, or is missing though `CI=true`.
pub fn shared() -> Option<&'static Postgres> {
    static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
    // Tests run side by side, each with several stores.
    SHARED.get_or_init(|| Postgres::start(&["max_connections=500"])).as_ref()
}

/// That server, if this run is about PostgreSQL: `GATEPOST_TEST_ENGINE` says `postgres`.
///
/// # Panics
/// If it says so and there is none.
pub fn chosen() -> Option<&'static Postgres> {
    let chosen = std::env::var_os("GATEPOST_TEST_ENGINE").is_some_and(|engine| engine == "postgres");
    chosen.then(|| shared().unwrap_or_else(|| sound(Err(String::from("PostgreSQL is not installed")))))
}

impl Postgres {
    /// Starts a server with these settings (`name=value`); none, and it says so, if PostgreSQL is not installed.
    ///
    /// # Panics
    /// If it is installed and does not start, or is missing though `CI=true`.
    #[must_use]
    pub fn start(settings: &[&str]) -> Option<Self> {
        Self::start_at(&Site::default(), settings)
    }

    /// Starts it at this site.
    ///
    /// # Panics
    /// If it is installed and does not start, or is missing though `CI=true`.
    #[must_use]
    pub fn start_at(site: &Site, settings: &[&str]) -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(!in_ci(), "PostgreSQL is needed: apt-get install {PACKAGE}");
            eprintln!("skipped: PostgreSQL is not installed (apt-get install {PACKAGE})");
            return None;
        };
        Some(sound(Self::prepare(programs, site, settings)))
    }

    fn prepare(programs: PathBuf, site: &Site, settings: &[&str]) -> Result<Self, String> {
        let server = Self::empty(programs, site)?;
        let mut initdb = server.program("initdb");
        initdb.args([
            "--no-sync",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--username=gatepost",
        ]);
        initdb.args(site.log_disk.iter().map(|disk| format!("--waldir={}/wal", disk.display())));
        finish(initdb.arg(format!("--pgdata={}/data", server.folder.display())))?;
        server.configure(settings)?;
        server.control(&["start", "--timeout=120"])?;
        Ok(server)
    }

    /// A folder and a port for a server, and what removes it in the end.
    pub(crate) fn empty(programs: PathBuf, site: &Site) -> Result<Self, String> {
        let port = free_port().map_err(|error| error.to_string())?;
        let folder = site
            .disk
            .clone()
            .unwrap_or_else(std::env::temp_dir)
            .join(format!("gatepost-postgres-{}-{port}", std::process::id()));
        let made = fs::create_dir(&folder).and_then(|()| {
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
            account().map_or(Ok(()), |(user, group)| chown(&folder, Some(user), Some(group)))
        });
        made.map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut server = Self { programs, folder, port, preload: site.preload.clone(), guard: None };
        server.guard = Some(server.guarded().map_err(|error| format!("sh: {error}"))?);
        Ok(server)
    }

    /// Adds settings to its own.
    pub(crate) fn configure(&self, settings: &[&str]) -> Result<(), String> {
        let (file, port) = (self.folder.join("data/postgresql.conf"), self.port);
        let own = format!("\nlisten_addresses='127.0.0.1'\nport={port}\nunix_socket_directories=''\n");
        let changed = fs::read_to_string(&file)
            .and_then(|given| fs::write(&file, format!("{given}{own}{}\n", settings.join("\n"))));
        changed.map_err(|error| format!("{}: {error}", file.display()))
    }

    fn guarded(&self) -> std::io::Result<Child> {
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "sh"]).arg(&self.programs).arg(&self.folder);
        self.as_account(&mut guard);
        // What ends the tests at the terminal must not end it first.
        guard.process_group(0);
        guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    }

    /// The address of a new, empty schema.
    ///
    /// # Panics
    /// If the server does not make one.
    #[must_use]
    pub fn schema(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.execute(&format!("CREATE SCHEMA {name}"));
        format!("postgres://gatepost@127.0.0.1:{}/postgres?options=-c%20search_path%3D{name}", self.port)
    }

    /// Runs SQL and returns what it answers, a line for each row.
    ///
    /// # Panics
    /// If the server does not accept it.
    pub fn execute(&self, sql: &str) -> String {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
        psql.args(["--host=127.0.0.1", "--username=gatepost", "--dbname=postgres", "--command", sql]);
        sound(finish(psql.arg(format!("--port={}", self.port))))
    }

    /// Starts the server again, and returns once it takes connections.
    ///
    /// # Panics
    /// If it does not start.
    pub fn run(&self) {
        sound(self.control(&["start", "--timeout=120"]));
    }

    /// Stops the server: `fast` breaks connections off in good order, `immediate` is like a crash.
    ///
    /// # Panics
    /// If it cannot be stopped.
    pub fn stop(&self, mode: &str) {
        sound(self.control(&["stop", "--mode", mode]));
    }

    /// Has `pg_ctl` do something to it.
    pub(crate) fn control(&self, arguments: &[&str]) -> Result<(), String> {
        let mut pg_ctl = self.program("pg_ctl");
        pg_ctl.args(arguments).args(["--wait", "--silent"]);
        pg_ctl.arg(format!("--pgdata={}/data", self.folder.display()));
        // A server that inherited a pipe would keep its reader waiting.
        let log = self.log();
        if arguments.contains(&"start") {
            pg_ctl.arg("--log").arg(&log);
            pg_ctl.envs(self.preload.iter().map(|library| ("LD_PRELOAD", library)));
        }
        let status = pg_ctl.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            _ => Err(format!("pg_ctl {arguments:?} failed: {}", fs::read_to_string(log).unwrap_or_default())),
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    /// One of its programs.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        self.as_account(&mut command);
        command
    }

    /// Has a program run by an account that the server accepts.
    fn as_account(&self, command: &mut Command) {
        if let Some((user, group)) = account() {
            command.uid(user).gid(group);
        }
        command.current_dir(&self.folder);
    }
}

/// Gives a file to the account that the server is run by, for it takes keys from nobody else.
///
/// # Panics
/// If that cannot be done.
pub fn give(file: &Path) {
    let given = fs::set_permissions(file, fs::Permissions::from_mode(0o600))
        .and_then(|()| account().map_or(Ok(()), |(user, group)| chown(file, Some(user), Some(group))));
    sound(given.map_err(|error| format!("{}: {error}", file.display())));
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            drop(guard.stdin.take());
            let _ = guard.wait();
        }
    }
}

/// The folder of the newest server that is installed.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let installed = versions.filter_map(|version| {
        let version = version.ok()?;
        let number: u32 = version.file_name().to_str()?.parse().ok()?;
        let folder = version.path().join("bin");
        folder.join("postgres").exists().then_some((number, folder))
    });
    installed.max().map(|(_, folder)| folder)
}

fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|ci| ci == "true")
}

fn free_port() -> std::io::Result<u16> {
    TcpListener::bind("127.0.0.1:0")?.local_addr().map(|address| address.port())
}

/// User and group that root lends to the server; none if this is not root.
fn account() -> Option<(u32, u32)> {
    let root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    root.then(|| (number_of("-u"), number_of("-g")))
}

fn number_of(option: &str) -> u32 {
    let answer = sound(finish(Command::new("id").args([option, ACCOUNT])));
    sound(answer.trim().parse().map_err(|_| format!("{answer} is no account")))
}

/// Runs a program to its end, and gives what it said.
pub(crate) fn finish(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// A test without its database cannot go on.
pub(crate) fn sound<T>(outcome: Result<T, String>) -> T {
    outcome.unwrap_or_else(|error| {
        eprintln!("{error}");
        std::panic::resume_unwind(Box::new(error))
    })
}
