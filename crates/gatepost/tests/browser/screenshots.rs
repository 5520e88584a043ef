//! Pictures of the main pages: `cargo xtask screenshots` puts them into `docs/screenshots/`.

use std::path::PathBuf;

use gatepost_testkit::{App, Folder, Receiver};

use crate::everywhere::furnish;
use crate::support::{BASE, owner};

/// Pictures are kept with the source.
const BYTES: usize = 150_000;

#[tokio::test]
async fn pictures_of_the_main_pages_are_small_enough_to_keep() {
    let temporary = Folder::new();
    let folder = std::env::var_os("GATEPOST_SCREENSHOTS");
    let folder = folder.map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let (app, receiver) = (App::start().await, Receiver::start().await);
    furnish(&app, &receiver).await;
    let browser = owner(&app).await;
    let pages = [("clients", BASE.to_owned()), ("requests", format!("{BASE}/requests"))];
    for (name, path) in pages {
        for (look, is_dark, width, height) in
            [("light", false, 1440, 900), ("dark", true, 1440, 900), ("phone", false, 390, 800)]
        {
            browser.resize(width, height).await;
            browser.darken(is_dark).await;
            browser.go(&path).await;
            let picture = browser.screenshot().await;
            assert!(picture.len() < BYTES, "{name}, {look}: {} bytes", picture.len());
            std::fs::write(folder.join(format!("{name}-{look}.png")), picture).unwrap();
        }
    }
}
