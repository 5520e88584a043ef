//! How long the source files are. Long functions are clippy's to find.

use crate::breach::Breach;
use crate::tree::File;

const SOURCES: [&str; 7] = ["rs", "toml", "html", "css", "js", "sql", "py"];
const HARD_LIMIT: usize = 800;
/// Above this a file is named in the summary, and worth a thought.
const SOFT_LIMIT: usize = 400;

fn sources(tree: &[File]) -> impl Iterator<Item = (usize, &str)> {
    let is_source = |file: &&File| file.extension().is_some_and(|extension| SOURCES.contains(&extension));
    tree.iter().filter(is_source).map(|file| (file.text.lines().count(), file.path.as_str()))
}

/// Source files that are too long to be one thing.
pub(crate) fn oversized(tree: &[File]) -> Vec<Breach> {
    let long = sources(tree).filter(|(lines, _)| *lines > HARD_LIMIT);
    let tell = |(lines, path): (usize, &str)| {
        let what = format!("{lines} lines, more than {HARD_LIMIT}");
        Breach::new(path, what, "split it by purpose, each part under a name that tells it")
    };
    long.map(tell).collect()
}

/// Median and largest, and each file above the soft limit.
pub(crate) fn summary(tree: &[File]) -> String {
    let mut files: Vec<_> = sources(tree).collect();
    files.sort_unstable();
    let median = files.get(files.len() / 2).map_or(0, |(lines, _)| *lines);
    let largest = files.last().map_or_else(String::new, |(lines, path)| format!("{lines} ({path})"));
    let mut text = format!("{} source files, median {median} lines, largest {largest}", files.len());
    for (lines, path) in files.iter().rev().take_while(|(lines, _)| *lines > SOFT_LIMIT) {
        text.push_str(&format!("\n  {lines:>4} lines, above {SOFT_LIMIT}: {path}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::file;

    #[test]
    fn a_long_source_is_found_and_a_lock_file_is_none() {
        let long = "\n".repeat(HARD_LIMIT + 1);
        let limit = "\n".repeat(HARD_LIMIT);
        let tree = [file("a.rs", &long), file("Cargo.lock", &long), file("b.sql", &limit)];
        let breaches = oversized(&tree);
        assert_eq!(breaches.len(), 1);
        assert_eq!(breaches[0].place, "a.rs");
    }

    #[test]
    fn the_summary_names_what_is_above_the_soft_limit() {
        let text = |lines: usize| "\n".repeat(lines);
        let tree = [file("a.rs", &text(10)), file("b.rs", &text(401)), file("c.css", &text(20))];
        let expected = "3 source files, median 20 lines, largest 401 (b.rs)\n   401 lines, above 400: b.rs";
        assert_eq!(summary(&tree), expected);
    }
}
