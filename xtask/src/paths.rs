//! Paths in text that lead nowhere: those of one machine, and stale ones in `ARCHITECTURE.md`.

use crate::breach::Breach;
use crate::tree::File;

const MACHINE_FOLDERS: [&str; 3] = ["/root/", "/home/", "/Users/"];
const ARCHITECTURE: &str = "ARCHITECTURE.md";

/// Absolute paths below a folder that only one machine has.
pub(crate) fn of_one_machine(tree: &[File]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree {
        for (index, line) in file.text.lines().enumerate() {
            if MACHINE_FOLDERS.iter().any(|folder| names_below(line, folder)) {
                let place = format!("{}:{}", file.path, index + 1);
                let mend = "name it relative to the checkout, or take it as an argument";
                breaches.push(Breach::new(place, "a path that exists on one machine only", mend));
            }
        }
    }
    breaches
}

/// The folder at the start of a path, with something below it: `https://example.com/home/x` is no such path.
fn names_below(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let inside_path = |c: char| c.is_alphanumeric() || "_-./~}".contains(c);
        let before = line[..at].chars().next_back().is_some_and(inside_path);
        let below = line[at + folder.len()..].chars().next().is_some_and(|c| c.is_alphanumeric() || c == '.');
        !before && below
    })
}

/// Paths in backticks in `ARCHITECTURE.md` that no file or folder bears any more. The end of a path will do:
/// `store/src/lib.rs`, `egress.rs`.
pub(crate) fn dead_in_architecture(tree: &[File]) -> Vec<Breach> {
    let Some(page) = tree.iter().find(|file| file.path == ARCHITECTURE) else { return Vec::new() };
    let mut breaches = Vec::new();
    for (line, path) in named_paths(&page.text, tree) {
        if !exists(path, tree) {
            let place = format!("{ARCHITECTURE}:{line}");
            let what = format!("`{path}` does not exist");
            breaches.push(Breach::new(place, what, "name the file as it is called now"));
        }
    }
    breaches
}

fn named_paths<'a>(page: &'a str, tree: &[File]) -> Vec<(usize, &'a str)> {
    let mut fenced = false;
    let mut found = Vec::new();
    for (index, line) in page.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let quoted = line.split('`').skip(1).step_by(2);
            found.extend(quoted.filter(|text| is_path(text, tree)).map(|path| (index + 1, path)));
        }
    }
    found
}

/// A source file's name, or anything below a folder that the checkout has at its top; not `task.edit`,
/// `/oauth/token` or `application/json`.
fn is_path(text: &str, tree: &[File]) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let is_source = [".rs", ".sql", ".html"].iter().any(|end| text.ends_with(end) && text.len() > end.len());
    let below_top = text.split_once('/').is_some_and(|(top, _)| {
        !top.is_empty() && tree.iter().any(|file| file.path.split_once('/').is_some_and(|(t, _)| t == top))
    });
    text.chars().all(plain) && (is_source || below_top)
}

fn exists(path: &str, tree: &[File]) -> bool {
    let wanted = format!("/{}", path.trim_end_matches('/'));
    tree.iter().map(|file| format!("/{}/", file.path)).any(|held| held.contains(&format!("{wanted}/")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::file;

    #[test]
    fn a_path_of_one_machine_is_found() {
        // Put together here, so that this file itself passes the check.
        let own = ["/home", "/ann/x.db"].concat();
        let text = format!("fine\nopen {own}\nhttps://example.com{own}\nthe folder /home/\n./a{own}");
        let found: Vec<_> = of_one_machine(&[file("a.md", &text)]).into_iter().map(|b| b.place).collect();
        assert_eq!(found, ["a.md:2"]);
    }

    #[test]
    fn stale_paths_of_the_architecture_are_found() {
        let page = "`crates/store/src/lib.rs`, `store/src`, `lib.rs`, `POST /oauth/token`, `a::b`\n\
                    `application/json` `task.edit` `Cargo.toml`\n```\n`crates/gone.rs`\n```\n\
                    `crates/store/gone` and `tables/old.rs`, `ib.rs`";
        let tree = [file(ARCHITECTURE, page), file("crates/store/src/lib.rs", "")];
        let breaches = dead_in_architecture(&tree);
        let found: Vec<_> = breaches.iter().map(|b| b.what.as_str()).collect();
        let gone = ["`crates/store/gone`", "`tables/old.rs`", "`ib.rs`"];
        assert_eq!(found, gone.map(|path| format!("{path} does not exist")));
        assert!(breaches.iter().all(|breach| breach.place == "ARCHITECTURE.md:6"));
    }
}
