//! Someone signed in, in a browser.

use gatepost_core::people::NewUser;
use gatepost_keys::Plain;
use gatepost_testkit::{App, Browser};

pub(crate) const BASE: &str = "/settings/api-manager";
pub(crate) const SCHOOL: &str = "the-ceramic-school";
pub(crate) const SHOP: &str = "second-shop";
pub(crate) const TASKS: &str = "/v1.11/tasks";
pub(crate) const EMAIL: &str = "ines@ceramics.example";
pub(crate) const PASSWORD: &str = "wheel and kiln";

/// The owner of all workspaces that there are, on the first page.
pub(crate) async fn owner(app: &App) -> Browser {
    let browser = Browser::open(app.http.base()).await;
    make_owner(app).await;
    sign_in(&browser).await;
    browser
}

/// Makes the owner of all workspaces that there are.
pub(crate) async fn make_owner(app: &App) {
    let token = app.gatepost().prepare_set_up().await.unwrap().unwrap();
    let new = NewUser {
        name: String::from("Ines Ferreira"),
        email: EMAIL.to_owned(),
        password: Plain::new(PASSWORD.to_owned()),
    };
    app.gatepost().set_up([203, 0, 113, 5].into(), token.expose(), new).await.unwrap();
}

pub(crate) async fn sign_in(browser: &Browser) {
    browser.go(BASE).await;
    browser.fill("Email", EMAIL).await;
    browser.fill("Password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.sees("API clients").await;
}

/// The page of a client.
pub(crate) fn page_of(id: &str) -> String {
    format!("{BASE}/clients/{id}")
}

/// The first word of the page's text that begins so.
#[track_caller]
pub(crate) fn word<'t>(text: &'t str, start: &str) -> &'t str {
    let mut words = text.split_whitespace();
    words.find(|word| word.starts_with(start)).unwrap_or_else(|| panic!("no {start}… in {text}"))
}
