//! Journeys of people with their own account.

use gatepost_testkit::App;

use crate::support::{BASE, SCHOOL, owner};

#[tokio::test]
async fn signing_out_leads_to_the_sign_in_page_and_going_back_shows_nothing() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let browser = owner(&app).await;
    browser.go(&format!("{BASE}/account")).await;
    browser.press("Sign out").await;
    browser.sees("API clients and webhooks of your workspaces").await;
    browser.go(BASE).await;
    assert!(browser.path().await.starts_with(&format!("{BASE}/sign-in")));
}
