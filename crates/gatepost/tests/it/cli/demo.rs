//! `gatepost demo`.

use gatepost_testkit::{Cli, Folder};

use super::PROGRAM;

#[tokio::test]
async fn the_demo_plays_the_whole_story() {
    let folder = Folder::new();
    let cli = Cli::new(PROGRAM, folder.path().join("data"));
    let ran = cli.run(&["demo"]).await.expect(0);
    let said = &ran.stdout;
    assert!(!said.contains("    NOT "), "{said}");
    assert!(said.matches("    ok  ").count() >= 10, "{said}");
    for step in
        ["workspace", "client", "/oauth/token", "business", "webhook", "tried again", "revoke", "curl "]
    {
        assert!(said.contains(step), "the demo does not tell of {step}: {said}");
    }
    assert!(!ran.stderr.contains("panicked"), "{ran:?}");
}
