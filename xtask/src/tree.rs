//! The files of the checkout, found without git, so that an unpacked source archive can be checked too.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Hidden folders are an editor's or git's, apart from these.
const OWN_HIDDEN_FOLDERS: [&str; 2] = [".cargo", ".ci"];

/// One file of the checkout.
pub(crate) struct File {
    /// Relative to the checkout, with `/` between the parts.
    pub(crate) path: String,
    /// Empty where the file is not UTF-8.
    pub(crate) text: String,
}

impl File {
    pub(crate) fn is_rust(&self) -> bool {
        self.extension() == Some("rs")
    }

    pub(crate) fn extension(&self) -> Option<&str> {
        self.path.rsplit_once('.').map(|(_, extension)| extension)
    }
}

/// Reads the whole checkout, ordered by path.
pub(crate) fn read(root: &Path) -> Result<Vec<File>> {
    let ignored = ignored_at_the_top(root)?;
    let mut files = Vec::new();
    visit(root, "", &ignored, &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Names at the top that `.gitignore` anchors there (`/target`).
fn ignored_at_the_top(root: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(root.join(".gitignore")).context(".gitignore cannot be read")?;
    Ok(text.lines().filter_map(|line| line.strip_prefix('/')).map(str::to_owned).collect())
}

fn visit(folder: &Path, path: &str, ignored: &[String], files: &mut Vec<File>) -> Result<()> {
    let listing = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    for entry in listing {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type()?;
        let below = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
        if ignored.contains(&below) {
            continue;
        }
        if kind.is_dir() && is_own_folder(&entry.path(), &name) {
            visit(&entry.path(), &below, ignored, files)?;
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).with_context(|| format!("{below} cannot be read"))?;
            files.push(File { path: below, text: String::from_utf8(bytes).unwrap_or_default() });
        }
    }
    Ok(())
}

/// Cargo marks its build folders, wherever they lie, with a `CACHEDIR.TAG`.
fn is_own_folder(folder: &Path, name: &str) -> bool {
    let hidden = name.starts_with('.') && !OWN_HIDDEN_FOLDERS.contains(&name);
    !hidden && !folder.join("CACHEDIR.TAG").exists()
}

#[cfg(test)]
pub(crate) fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_files_of_this_checkout_and_no_build_output() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let files = read(root).unwrap();
        let has = |path: &str| files.iter().any(|file| file.path == path);
        assert!(has("Cargo.toml") && has("xtask/src/tree.rs") && has(".ci/run") && has(".cargo/config.toml"));
        assert!(!files.iter().any(|file| file.path.starts_with("target/") || file.path.starts_with(".git/")));
    }
}
