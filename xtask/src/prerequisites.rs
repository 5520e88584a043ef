//! What a fresh machine may lack, beside Rust itself: installed where that can be done, else named.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::metadata::cargo;

/// SQLite, the cipher library and the allocator are built from C.
const C_COMPILER_PACKAGES: [&str; 2] = ["gcc", "libc6-dev"];

/// Rust's own components that the checks call, each with the subcommand that it brings.
const COMPONENTS: [(&str, &str); 2] = [("rustfmt", "fmt"), ("clippy", "clippy")];

pub(crate) fn ensure(root: &Path) -> Result<()> {
    ensure_c_compiler()?;
    for (component, subcommand) in COMPONENTS {
        ensure_component(root, component, subcommand)?;
    }
    Ok(())
}

fn ensure_c_compiler() -> Result<()> {
    let present = || succeeds(Command::new("cc").arg("--version").stdout(Stdio::null()));
    if present() {
        return Ok(());
    }
    let packages = C_COMPILER_PACKAGES.join(" ");
    if is_root() {
        println!("no C compiler: installing {packages} with apt-get");
        let apt = || {
            let mut command = Command::new("apt-get");
            command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
            command
        };
        succeeds(apt().args(["update", "--quiet"]));
        succeeds(apt().args(["install", "--yes", "--no-install-recommends"]).args(C_COMPILER_PACKAGES));
    }
    if !present() {
        bail!("a C compiler named `cc` is needed; on Debian and Ubuntu: apt-get install {packages}");
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
