//! What a fresh machine may lack, beside Rust itself: installed where that can be done, else named.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::metadata::cargo;

/// SQLite, the cipher library and the allocator are built from C.
const C_COMPILER_PACKAGES: [&str; 2] = ["gcc", "libc6-dev"];

/// The tests start a server of their own from it.
const DATABASE_PACKAGES: [&str; 1] = ["postgresql"];

/// The tests of the pages drive a real browser.
const BROWSER_PACKAGES: [&str; 2] = ["chromium", "chromium-driver"];

/// The tests have signatures checked by what others wrote for them.
const VERIFIER_PACKAGES: [&str; 2] = ["nodejs", "python3"];

/// Where Debian's package puts what drives it.
const BROWSER_DRIVER: &str = "/usr/bin/chromedriver";

/// Where Debian's packages put the server, a folder for each version.
const DATABASE_HOME: &str = "/usr/lib/postgresql";

/// Rust's own components that the checks call, each with the subcommand that it brings.
const COMPONENTS: [(&str, &str); 2] = [("rustfmt", "fmt"), ("clippy", "clippy")];

pub(crate) fn ensure(root: &Path) -> Result<()> {
    ensure_c_compiler()?;
    ensure_database()?;
    ensure_browser()?;
    ensure_verifiers()?;
    for (component, subcommand) in COMPONENTS {
        ensure_component(root, component, subcommand)?;
    }
    Ok(())
}

fn ensure_c_compiler() -> Result<()> {
    let present = || succeeds(Command::new("cc").arg("--version").stdout(Stdio::null()));
    ensure_packages("a C compiler named `cc`", &C_COMPILER_PACKAGES, present)
}

fn ensure_database() -> Result<()> {
    ensure_packages("a PostgreSQL server", &DATABASE_PACKAGES, || has_server(Path::new(DATABASE_HOME)))
}

fn ensure_browser() -> Result<()> {
    let present = || Path::new(BROWSER_DRIVER).exists();
    ensure_packages("Chromium and its driver", &BROWSER_PACKAGES, present)
}

fn ensure_verifiers() -> Result<()> {
    let runs = |program| succeeds(Command::new(program).arg("--version").stdout(Stdio::null()));
    ensure_packages("Node and Python", &VERIFIER_PACKAGES, || runs("node") && runs("python3"))
}

/// Whether one of the versions in `home` has a server, and not only clients.
fn has_server(home: &Path) -> bool {
    let versions = home.read_dir().into_iter().flatten().flatten();
    versions.map(|version| version.path().join("bin/postgres")).any(|server| server.exists())
}

/// Installs Debian's packages if what they bring is not there, where that can be done; else names them.
fn ensure_packages(wanted: &str, packages: &[&str], present: impl Fn() -> bool) -> Result<()> {
    if present() {
        return Ok(());
    }
    let names = packages.join(" ");
    if is_root() {
        println!("{wanted} is missing: installing {names} with apt-get");
        let apt = || {
            let mut command = Command::new("apt-get");
            command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
            command
        };
        succeeds(apt().args(["update", "--quiet"]));
        succeeds(apt().args(["install", "--yes", "--no-install-recommends"]).args(packages));
    }
    if !present() {
        bail!("{wanted} is needed; on Debian and Ubuntu: apt-get install {names}");
    }
    Ok(())
}

fn ensure_component(root: &Path, component: &str, subcommand: &str) -> Result<()> {
    let present = || {
        let mut probe = cargo(root);
        succeeds(probe.args([subcommand, "--version"]).stdout(Stdio::null()).stderr(Stdio::null()))
    };
    if present() {
        return Ok(());
    }
    println!("{component} is missing: adding it with rustup");
    succeeds(Command::new("rustup").args(["component", "add", component]).current_dir(root));
    if !present() {
        bail!(
            "`cargo {subcommand}` is needed and could not be added; with rustup: rustup component add \
             {component}; without it, install {component} of the same release as the compiler"
        );
    }
    Ok(())
}

/// A program that cannot be started counts as failed.
fn succeeds(command: &mut Command) -> bool {
    command.status().is_ok_and(|status| status.success())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_alone_are_no_server() {
        let home = std::env::temp_dir().join(format!("gatepost-xtask-{}", std::process::id()));
        let bin = home.join("15/bin");
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::write(bin.join("psql"), "").unwrap();
        let before = has_server(&home);
        std::fs::write(bin.join("postgres"), "").unwrap();
        let after = has_server(&home);
        std::fs::remove_dir_all(&home).unwrap();
        assert_eq!((before, after, has_server(&home)), (false, true, false));
    }
}
