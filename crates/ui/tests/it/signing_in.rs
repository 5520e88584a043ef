//! Set-up, sign-in, sign-out.

use std::time::Duration;

use gatepost_model::Timestamp;
use gatepost_testkit::App;

use crate::support::{BASE, Browser, EMAIL, PASSWORD, WithStatus};

const COOKIE: &str = "gatepost";

#[tokio::test]
async fn the_first_user_comes_by_the_printed_link_and_is_signed_in() {
    let app = App::start().await;
    app.workspace("the-ceramic-school").await;
    let token = app.gatepost().prepare_set_up().await.unwrap().unwrap();
    let link = format!("/set-up/{}", token.expose());
    let browser = Browser::new(&app);
    assert!(browser.get(&link).await.with_status(200).text().contains("Set up Gatepost"));

    let short = browser.post(&link, &[("name", "Ines"), ("email", EMAIL), ("password", "short")]).await;
    let short = short.with_status(422).text();
    assert!(
        short.contains("Password use at least 12 characters.") && short.contains("value=\"Ines\""),
        "{short}"
    );
    assert!(!short.contains("value=\"short\""), "a password is not sent back");

    let fields = [("name", "Ines Ferreira"), ("email", EMAIL), ("password", PASSWORD)];
    let done = browser.post(&link, &fields).await.with_status(303);
    assert_eq!(done.header("location"), BASE);
    let home = browser.get("").await.with_status(200).text();
    assert!(home.contains("No clients yet") && home.contains("Owner, 1 workspace"), "{home}");
    browser.get(&link).await.with_status(404);
    browser.post(&link, &fields).await.with_status(404);
    Browser::new(&app).get("/set-up/made-up").await.with_status(404);
}

#[tokio::test]
async fn nothing_is_shown_without_a_session_and_signing_in_leads_back() {
    let app = App::start().await;
    let owner = Browser::owner(&app).await;
    owner.post("/sign-out", &[]).await.with_status(303);
    assert_eq!(owner.cookie(COOKIE), None);

    let browser = Browser::new(&app);
    let away = browser.get("/workspaces/new?x=1").await.with_status(303);
    let sign_in = "/settings/api-manager/sign-in?return=%2Fsettings%2Fapi-manager%2Fworkspaces%2Fnew%3Fx%3D1";
    assert_eq!(away.header("location"), sign_in);
    let page = browser.get(sign_in).await.with_status(200).text();
    assert!(page.contains("value=\"/settings/api-manager/workspaces/new?x=1\""), "{page}");

    let fields = |to| [("email", EMAIL), ("password", PASSWORD), ("return", to)];
    let done =
        browser.post("/sign-in", &fields("/settings/api-manager/workspaces/new?x=1")).await.with_status(303);
    assert_eq!(done.header("location"), "/settings/api-manager/workspaces/new?x=1");
    for foreign in ["https://evil.example/", "//evil.example", "/settings/api-manager.evil"] {
        let done = Browser::new(&app).post("/sign-in", &fields(foreign)).await.with_status(303);
        assert_eq!(done.header("location"), BASE, "{foreign}");
    }
}

#[tokio::test]
async fn wrong_passwords_are_told_apart_from_nothing_and_counted() {
    let app = App::start().await;
    Browser::owner(&app).await;
    let browser = Browser::new(&app);
    let unknown = browser.sign_in("nobody@x.example", PASSWORD).await.with_status(422).text();
    let wrong = browser.sign_in("ines@ceramics.example", "wrong and wrong").await.with_status(422).text();
    let text = "Email or password is wrong. You can try four more times in the next 15 minutes.";
    assert!(unknown.contains(text) && wrong.contains(text));
    for _ in 0..4 {
        browser.sign_in(EMAIL, "wrong and wrong").await.with_status(422);
    }
    let blocked = browser.sign_in(EMAIL, PASSWORD).await.with_status(429).text();
    assert!(blocked.contains("Too many tries. Wait 15 minutes."), "{blocked}");
    assert_eq!(browser.cookie(COOKIE), None);
}

#[tokio::test]
async fn a_session_is_new_at_each_sign_in_and_a_planted_one_is_worth_nothing() {
    let app = App::start().await;
    Browser::owner(&app).await;
    let victim = Browser::new(&app);
    victim.set_cookie(COOKIE, "planted");
    let answer = victim.sign_in(EMAIL, PASSWORD).await.with_status(303);
    let cookie = answer.header("set-cookie");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
    let first = victim.cookie(COOKIE).unwrap();
    assert_ne!(first, "planted");
    victim.sign_in(EMAIL, PASSWORD).await.with_status(303);
    assert_ne!(victim.cookie(COOKIE).unwrap(), first);
    let thief = Browser::new(&app);
    for worthless in ["planted", &first] {
        thief.set_cookie(COOKIE, worthless);
        thief.get("").await.with_status(303);
    }
}

#[tokio::test]
async fn over_https_the_cookie_is_bound_to_the_host() {
    let app = App::builder().public_url("https://gate.example").start().await;
    let browser = Browser::owner(&app).await;
    let again = browser.sign_in(EMAIL, PASSWORD).await.with_status(303);
    let cookie = again.header("set-cookie");
    assert!(cookie.starts_with("__Host-gatepost="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    assert_eq!(again.header("strict-transport-security"), "max-age=31536000");
    browser.get("").await.with_status(200);
}

#[tokio::test]
async fn an_idle_session_ends_and_says_so() {
    let app = App::builder().clock_at(Timestamp::from_seconds(1_790_000_000)).start().await;
    let browser = Browser::owner(&app).await;
    app.advance(Duration::from_secs(30 * 60));
    let away = browser.get("").await.with_status(303);
    assert_eq!(away.header("location"), "/settings/api-manager/sign-in");
    let page = browser.get("/sign-in").await.with_status(200).text();
    assert!(page.contains("You were signed out after 30 minutes without use."), "{page}");
    let part = browser.send("GET", "", &[("hx-request", "true")], String::new()).await.with_status(401);
    assert_eq!(part.header("hx-redirect"), "/settings/api-manager/sign-in");
}

#[tokio::test]
async fn signing_out_everywhere_ends_the_other_browsers_session() {
    let app = App::start().await;
    let desk = Browser::owner(&app).await;
    let phone = Browser::new(&app);
    phone.sign_in(EMAIL, PASSWORD).await.with_status(303);
    assert!(phone.get("/account").await.with_status(200).text().contains(EMAIL));
    desk.post("/sign-out-everywhere", &[]).await.with_status(303);
    phone.get("").await.with_status(303);
    desk.get("").await.with_status(303);
}

#[tokio::test]
async fn the_theme_is_a_form_that_leads_back() {
    let app = App::start().await;
    let browser = Browser::owner(&app).await;
    assert!(!browser.get("").await.text().contains("data-theme="), "the system decides");
    let form = String::from("theme=dark");
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let from = ("referer", "http://gatepost.test/settings/api-manager/workspaces");
    let headers = [crate::support::OURS, kind, from];
    let back = browser.send("POST", "/theme", &headers, form).await.with_status(303);
    assert_eq!(back.header("location"), "/settings/api-manager/workspaces");
    assert!(browser.get("").await.text().contains("<html lang=\"en\" data-theme=\"dark\">"));
    browser.post("/theme", &[("theme", "\"><script>")]).await.with_status(400);
}

#[tokio::test]
async fn a_second_factor_is_added_asked_for_and_removed() {
    let app = App::start().await;
    let browser = Browser::owner(&app).await;
    assert!(browser.get("/account").await.text().contains("Signing in asks for your password alone."));
    let path = "/account/second-factor";
    browser.get(path).await.with_status(200);
    browser.post(path, &[("password", "wrong and wrong")]).await.with_status(422);
    let enrol = browser.post(path, &[("password", PASSWORD)]).await.with_status(200).text();
    assert!(enrol.contains("QR code of the secret below") && enrol.contains("data-copy=\""));
    let wrong =
        browser.post("/account/second-factor/confirm", &[("code", "1")]).await.with_status(422).text();
    assert!(wrong.contains("This is not the code"), "{wrong}");
    browser.sign_in(EMAIL, PASSWORD).await.with_status(303);
    assert!(
        browser.get("/account").await.text().contains("password alone"),
        "nothing is asked for before that"
    );

    let enrol = browser.post(path, &[("password", PASSWORD)]).await.text();
    let secret = crate::support::between(&enrol, "data-copy=\"", "\"");
    let code = crate::support::authenticator_code(secret, app.gatepost().now());
    let codes =
        browser.post("/account/second-factor/confirm", &[("code", &code)]).await.with_status(200).text();
    let codes = crate::support::between(&codes, "<pre tabindex=\"0\"><code>", "</code>").to_owned();
    assert_eq!(codes.lines().count(), 10);

    let phone = Browser::new(&app);
    let half = phone.sign_in(EMAIL, PASSWORD).await.with_status(303);
    assert_eq!(half.header("location"), "/settings/api-manager/second-step");
    phone.get("").await.with_status(303);
    phone.get("/second-step").await.with_status(200);
    let replayed = phone.post("/second-step", &[("code", &code)]).await.with_status(422).text();
    assert!(replayed.contains("The code is wrong."), "{replayed}");
    let recovery = [
        ("by", "recovery"),
        ("code", codes.lines().next().unwrap()),
        ("return", "/settings/api-manager/account"),
    ];
    let done = phone.post("/second-step", &recovery).await.with_status(303);
    assert_eq!(done.header("location"), "/settings/api-manager/account");
    assert!(phone.get("/account").await.with_status(200).text().contains("code of your authenticator"));

    phone.post(path, &[("password", PASSWORD)]).await.with_status(303);
    assert!(phone.get("/account").await.text().contains("Signing in asks for your password alone"));
}
