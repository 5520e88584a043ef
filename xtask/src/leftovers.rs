//! What a writer leaves behind for later, and tests that wait by the clock.

use crate::breach::Breach;
use crate::rust_text::{Kind, pieces};
use crate::tree::File;

const LEFTOVERS: [(Kind, &str, &str); 6] = [
    (Kind::Code, "todo!(", "write what is missing"),
    (Kind::Code, "unimplemented!(", "write what is missing, or make the case impossible by its type"),
    (Kind::Code, "dbg!(", "remove it"),
    (Kind::Code, "#[ignore", "make the test quick and certain, or remove it"),
    (Kind::Comment, "FIXME", "do it now, or file an issue"),
    (Kind::Comment, "XXX", "do it now, or file an issue"),
];

/// Where tests may sleep, by how the path begins, each with the reason.
const MAY_SLEEP: [(&str, &str); 3] = [
    ("crates/webhook/src/dispatch/tests/", "the clock is paused: a sleep moves it and takes no time"),
    ("crates/gatepost/tests/it/nodes/pace.rs", "for how long a node stands still is what is tested"),
    ("crates/store/tests/it/runtimes.rs", "the clock is paused: a sleep moves it and takes no time"),
];

/// Marks of unfinished work in Rust files.
pub(crate) fn in_code(tree: &[File]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree.iter().filter(|file| file.is_rust()) {
        for piece in pieces(&file.text) {
            for (_, mark, mend) in LEFTOVERS.iter().filter(|(kind, _, _)| *kind == piece.kind) {
                for line in piece.lines_with(mark) {
                    let place = format!("{}:{line}", file.path);
                    breaches.push(Breach::new(place, format!("`{mark}` was left here"), *mend));
                }
            }
        }
    }
    breaches
}

/// Integration tests that sleep: too long on most machines, too short on some.
pub(crate) fn sleeps(tree: &[File]) -> Vec<Breach> {
    let excused = |path: &str| MAY_SLEEP.iter().any(|(start, _)| path.starts_with(start));
    let tests = tree.iter().filter(|file| file.is_rust() && is_test(&file.path) && !excused(&file.path));
    tests.flat_map(sleeps_in).collect()
}

fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/")
}

fn sleeps_in(file: &File) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for piece in pieces(&file.text).iter().filter(|piece| piece.kind == Kind::Code) {
        for line in piece.lines_with("sleep") {
            breaches.push(Breach::new(
                format!("{}:{line}", file.path),
                "a test that sleeps",
                "wait for what you mean (a channel, the receiver, a paused clock); where that is impossible, \
                 name the file and the reason in MAY_SLEEP of xtask/src/leftovers.rs",
            ));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::file;

    fn places(breaches: Vec<Breach>) -> Vec<String> {
        breaches.into_iter().map(|breach| breach.place).collect()
    }

    #[test]
    fn leftovers_are_found_where_they_count() {
        let source = "fn a() { todo!() }\nfn b() { dbg!(1); unimplemented!(\"x\") }\n#[ignore = \"slow\"]\n\
                      // FIXME: later\n/* XXX */";
        let found = places(in_code(&[file("a.rs", source)]));
        assert_eq!(found, ["a.rs:1", "a.rs:2", "a.rs:2", "a.rs:3", "a.rs:4", "a.rs:5"]);
    }

    #[test]
    fn the_same_words_elsewhere_are_no_leftovers() {
        let source = "// about todo!() and dbg!(x)\nlet a = \"FIXME XXX #[ignore] todo!(\"; my_dbg!(1);";
        assert!(in_code(&[file("a.rs", source), file("a.md", "FIXME")]).is_empty());
    }

    #[test]
    fn a_sleeping_test_is_found_however_it_is_written() {
        let source = "use tokio::time::{sleep, timeout};\nasync fn a() { std::thread::sleep(b) }\n// sleep\n";
        let tree = [file("crates/gatepost/tests/it/a.rs", source), file("crates/webhook/src/a.rs", source)];
        let found = places(sleeps(&tree));
        assert_eq!(found, ["crates/gatepost/tests/it/a.rs:1", "crates/gatepost/tests/it/a.rs:2"]);
    }
}
