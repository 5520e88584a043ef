//! `--help` of every command.

use std::collections::VecDeque;

use gatepost_testkit::{Cli, Folder};

use super::PROGRAM;

#[tokio::test]
async fn every_command_helps() {
    let folder = Folder::new();
    let cli = Cli::new(PROGRAM, folder.path().join("data"));
    let mut commands = VecDeque::from([Vec::<String>::new()]);
    let mut seen = 0;
    while let Some(command) = commands.pop_front() {
        let mut words: Vec<&str> = command.iter().map(String::as_str).collect();
        words.push("--help");
        let help = cli.run(&words).await.expect(0);
        assert!(help.stderr.is_empty() && help.stdout.contains("Usage: gatepost"), "{words:?}: {help:?}");
        seen += 1;
        for below in subcommands(&help.stdout) {
            commands.push_back([&command[..], &[below]].concat());
        }
    }
    assert!(seen >= 30, "only {seen} commands");
    assert!(!cli.data().exists(), "help makes nothing");
    println!("--help of {seen} commands");
}

/// The names below "Commands:", but for `help` itself.
fn subcommands(help: &str) -> Vec<String> {
    let lines =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    names.map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn wrong_usage_is_told_on_stderr_with_code_2() {
    let folder = Folder::new();
    let cli = Cli::new(PROGRAM, folder.path().join("data"));
    for words in [
        &["frobnicate"][..],
        &["client", "show"],
        &["client", "create"],
        &["serve", "--listen"],
        &["db", "backup"],
    ] {
        let ran = cli.run(words).await.expect(2);
        assert!(ran.stdout.is_empty() && ran.stderr.starts_with("error: "), "{words:?}: {ran:?}");
    }
    let version = cli.run(&["--version"]).await.expect(0);
    assert!(version.stdout.starts_with("gatepost "), "{version:?}");
}
