//! Journeys with clients: from the set-up link to revoking one.

use gatepost_testkit::browser::key;
use gatepost_testkit::{App, Browser, make};

use crate::support::{BASE, EMAIL, PASSWORD, SCHOOL, SHOP, TASKS, make_owner, owner, page_of, sign_in, word};

#[tokio::test]
async fn from_the_set_up_link_to_a_first_call_that_turns_green() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let link = app.gatepost().prepare_set_up().await.unwrap().unwrap();
    let browser = Browser::open(app.http.base()).await;
    browser.go(&format!("{BASE}/set-up/{}", link.expose())).await;
    browser.fill("Name", "Ines Ferreira").await;
    browser.fill("Email", EMAIL).await;
    browser.fill("Password", PASSWORD).await;
    browser.press("Set up Gatepost").await;
    browser.press("Create your first client").await;
    browser.fill("Name", "CRM sync").await;
    browser.press("Create client").await;
    browser.sees("CRM sync is ready").await;
    browser.sees("Waiting for the first call").await;

    let page = browser.text().await;
    let (client_id, secret) = (word(&page, "gpc_"), word(&page, "gps_"));
    let answer = app.ask_token(client_id, secret).await.expect(200).json();
    browser.sees("It has a token. Waiting for the first call").await;
    let token = answer["access_token"].as_str().unwrap();
    let _ = app.call("GET", TASKS, token, Some(SCHOOL), None).await.expect(200);
    // No key is struck and nothing is opened again: the page asks by itself.
    browser.sees("First call passed").await;
}

#[tokio::test]
async fn a_secret_is_rotated_and_the_old_one_lives_as_long_as_said() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let browser = owner(&app).await;
    browser.go(&page_of(&client.id)).await;
    browser.press("Rotate secret").await;
    browser.press("Make a new secret").await;
    browser.sees("New client secret").await;
    let shown = browser.run("return document.querySelector('[data-shown]').innerText", &[]).await;
    let _ = app.ask_token(&client.client_id, word(shown.as_str().unwrap(), "gps_")).await.expect(200);
    let _ = app.ask_token(&client.client_id, &client.secret).await.expect(200);

    let hint = &client.secret[client.secret.len() - 4..];
    browser.press(&format!("End now gps_…{hint}")).await;
    browser.press("End it now").await;
    browser.sees("The secret has ended").await;
    let _ = app.ask_token(&client.client_id, &client.secret).await.expect(401);
}

#[tokio::test]
async fn a_400_is_explained_and_mended_with_its_button() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    app.workspace(SHOP).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let token = app.token(&client).await;
    let _ = app.call("GET", TASKS, &token, Some(SHOP), None).await.expect(400);
    let browser = owner(&app).await;
    browser.go(&format!("{BASE}/requests")).await;
    browser.sees_in_time(TASKS).await;
    browser.press("Explain").await;
    browser.press(&format!("Enable {SHOP} for CRM sync")).await;
    browser.sees("Saved. In force on ").await;
    let _ = app.call("GET", TASKS, &token, Some(SHOP), None).await.expect(200);
}

#[tokio::test]
async fn a_refused_first_call_is_mended_where_one_waits_and_turns_green() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    app.workspace(SHOP).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let browser = owner(&app).await;
    browser.go(&format!("{}/first-call", page_of(&client.id))).await;
    browser.sees("Waiting for the first call").await;
    let token = app.token(&client).await;
    let _ = app.call("GET", TASKS, &token, Some(SHOP), None).await.expect(400);
    browser.sees("First call refused").await;
    browser.sees(&format!("The header asked for {SHOP}.")).await;
    browser.press(&format!("Enable {SHOP} for CRM sync")).await;
    browser.sees("Send the request again.").await;
    let _ = app.call("GET", TASKS, &token, Some(SHOP), None).await.expect(200);
    browser.sees("First call passed").await;
}

#[tokio::test]
async fn a_client_is_revoked_once_its_name_is_typed() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("Old importer", &[SCHOOL])).await;
    let token = app.token(&client).await;
    let browser = owner(&app).await;
    browser.go(&page_of(&client.id)).await;
    browser.press("Revoke").await;
    browser.sees("This cannot be undone.").await;
    browser.fill("Type Old importer to confirm", "Old").await;
    browser.press("Revoke Old importer").await;
    let _ = app.call("GET", TASKS, &token, Some(SCHOOL), None).await.expect(200);
    browser.fill("Type Old importer to confirm", "Old importer").await;
    browser.press("Revoke Old importer").await;
    browser.sees("Revoked").await;
    let _ = app.call("GET", TASKS, &token, Some(SCHOOL), None).await.expect(401);
}

#[tokio::test]
async fn two_people_who_edit_one_client_lose_nothing() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let client = app.client(make::client("CRM sync", &[SCHOOL])).await;
    let first = owner(&app).await;
    let second = Browser::open(app.http.base()).await;
    sign_in(&second).await;
    let settings = format!("{}/settings", page_of(&client.id));
    first.go(&settings).await;
    second.go(&settings).await;
    first.fill("Name", "CRM sync of the school").await;
    first.press("Save settings").await;
    first.sees("CRM sync of the school").await;
    second.fill("Token lifetime", "12h").await;
    second.press("Save settings").await;
    second.sees("changed this client while you were editing").await;
    second.press("Save these choices").await;
    second.sees("12 hours").await;
    second.sees("CRM sync of the school").await;
}

#[tokio::test]
async fn a_client_is_created_with_the_keyboard_alone() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    let browser = Browser::open(app.http.base()).await;
    make_owner(&app).await;
    browser.go(BASE).await;
    browser.strike(EMAIL).await;
    browser.strike(key::TAB).await;
    browser.strike(&format!("{PASSWORD}{}", key::ENTER)).await;
    browser.sees("No clients yet").await;
    tab_to(&browser, "Create your first client").await;
    browser.strike(key::ENTER).await;
    browser.sees("Where the client may act.").await;
    browser.strike("CRM sync").await;
    tab_to(&browser, "Create client").await;
    browser.strike(key::ENTER).await;
    browser.sees("CRM sync is ready").await;
    tab_to(&browser, "Go to the client’s page").await;
    browser.strike(key::ENTER).await;
    browser.sees("Credentials").await;
    tab_to(&browser, "Rotate secret").await;
    browser.strike(key::ENTER).await;
    browser.sees("Rotate the secret of CRM sync").await;
    browser.strike(key::ESCAPE).await;
    let open = browser.run("return document.querySelectorAll('dialog[open]').length", &[]).await;
    assert_eq!(open, 0);
}

/// Strikes Tab until what is so called has the focus, and that can be seen.
async fn tab_to(browser: &Browser, name: &str) {
    const FOCUS: &str = "const e = document.activeElement, s = getComputedStyle(e.closest('label') ?? e), \
        own = getComputedStyle(e); return [e.closest('label')?.innerText ?? e.ariaLabel ?? e.innerText, \
        [s.outlineStyle, own.outlineStyle].some((style) => style !== 'none')]";
    let mut passed = Vec::new();
    for _ in 0..60 {
        browser.strike(key::TAB).await;
        let focus = browser.run(FOCUS, &[]).await;
        let named = focus[0].as_str().unwrap_or_default();
        if named.trim() == name || named.contains(name) && named.len() < name.len() + 30 {
            assert_eq!(focus[1], true, "the focus on {name} cannot be seen");
            return;
        }
        passed.push(named.to_owned());
    }
    panic!("the keyboard does not come to {name}; it passes {passed:?}");
}

#[tokio::test]
async fn without_script_everything_goes_the_same_way() {
    let app = App::start().await;
    app.workspace(SCHOOL).await;
    make_owner(&app).await;
    let browser = Browser::without_script(app.http.base()).await;
    sign_in(&browser).await;
    browser.press("Create your first client").await;
    browser.fill("Name", "CRM sync").await;
    browser.press("Create client").await;
    browser.sees("CRM sync is ready").await;
    let page = browser.text().await;
    let (client_id, secret) = (word(&page, "gpc_").to_owned(), word(&page, "gps_").to_owned());
    let answer = app.ask_token(&client_id, &secret).await.expect(200).json();
    let token = answer["access_token"].as_str().unwrap();
    let _ = app.call("GET", TASKS, token, Some(SCHOOL), None).await.expect(200);
    browser.press("Check now").await;
    // The use of a token is written down a moment later.
    browser.sees_in_time("First call passed").await;

    browser.press("Go to the client’s page").await;
    browser.press("Projects").await;
    browser.press("All of task").await;
    browser.press("Save methods").await;
    browser.sees("Saved. In force on ").await;
    browser.press("Rotate secret").await;
    browser.press("Make a new secret").await;
    browser.sees("New client secret").await;
    browser.press("Hide").await;
    browser.press("Revoke").await;
    browser.fill("Type CRM sync to confirm", "CRM sync").await;
    browser.press("Revoke CRM sync").await;
    browser.sees("Revoked").await;
}
