//! What cargo tells of the workspace and of what is linked into it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// A package of this workspace with the dependencies that it declares.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// None for a normal dependency, else `dev` or `build`.
    kind: Option<String>,
    /// Where the package lies, for one of this workspace.
    pub(crate) path: Option<String>,
}

impl Dependency {
    pub(crate) fn is_dev(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

/// A package that is built on this machine, for the product or for its tests.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Linked {
    pub(crate) name: String,
    pub(crate) version: String,
    /// An SPDX expression; empty where the package names none.
    pub(crate) licence: String,
}

/// The packages of this workspace.
pub(crate) fn declared(root: &Path) -> Result<Vec<Package>> {
    let text = output_of(root, &["metadata", "--no-deps", "--format-version", "1"])?;
    let metadata: Metadata = serde_json::from_str(&text).context("cargo metadata is not understood")?;
    Ok(metadata.packages)
}

/// All packages that are built. `cargo tree` is asked because it knows which optional ones no feature turns
/// on; `Cargo.lock` and `cargo metadata` name those too.
pub(crate) fn linked(root: &Path) -> Result<BTreeSet<Linked>> {
    let format = ["--prefix", "none", "--format", "{p}\t{l}"];
    let text =
        output_of(root, &[&["tree", "--workspace", "--edges", "normal,build,dev"], &format[..]].concat())?;
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.map(|line| linked_of(line).with_context(|| format!("not understood: {line}"))).collect()
}

/// One line of `cargo tree`: name, version and remarks; tab; licence; perhaps a mark of repetition.
fn linked_of(line: &str) -> Option<Linked> {
    let (package, licence) = line.split_once('\t')?;
    let mut words = package.split_whitespace();
    let (name, version) = (words.next()?.to_owned(), words.next()?.to_owned());
    Some(Linked { name, version, licence: licence.trim_end_matches(" (*)").to_owned() })
}

/// The cargo that runs this command.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.current_dir(root);
    command
}

fn output_of(root: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = cargo(root);
    let output = command.args(arguments).stderr(Stdio::inherit()).output().context("cargo cannot be run")?;
    ensure!(output.status.success(), "cargo {} failed, see above", arguments.join(" "));
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
pub(crate) fn package(name: &str, dependencies: Vec<Dependency>) -> Package {
    Package { name: name.to_owned(), dependencies }
}

#[cfg(test)]
pub(crate) fn dependency(name: &str, kind: Option<&str>) -> Dependency {
    let path = name.starts_with("gatepost").then(|| format!("crates/{name}"));
    Dependency { name: name.to_owned(), kind: kind.map(str::to_owned), path }
}

#[cfg(test)]
pub(crate) fn linked_package(name: &str, licence: &str) -> Linked {
    Linked { name: name.to_owned(), version: "v1.0.0".to_owned(), licence: licence.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_cargo_tree_are_understood() {
        let expected = Some(linked_package("serde_derive", "MIT OR Apache-2.0"));
        assert_eq!(linked_of("serde_derive v1.0.0 (proc-macro)\tMIT OR Apache-2.0"), expected);
        assert_eq!(linked_of("serde_derive v1.0.0 (proc-macro)\tMIT OR Apache-2.0 (*)"), expected);
        assert_eq!(linked_of("unlicensed v1.0.0\t"), Some(linked_package("unlicensed", "")));
    }
}
