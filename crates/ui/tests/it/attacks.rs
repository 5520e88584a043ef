//! Attacks on signing in: planted sessions, guessing from one address, from many, and at many accounts.

use std::time::Duration;

use gatepost_model::Timestamp;
use gatepost_testkit::App;

use crate::support::{Browser, EMAIL, PASSWORD, WithStatus, authenticator_code, between, colleague};

const COOKIE: &str = "gatepost";
const START: Timestamp = Timestamp::from_seconds(1_790_000_000);
const WRONG: &str = "wrong and wrong";
const QUARTER: Duration = Duration::from_secs(15 * 60);

/// Adds a second factor to the account of whoever is signed in, and gives its secret.
async fn add_second_factor(app: &App, browser: &Browser) -> String {
    let path = "/account/second-factor";
    let page = browser.post(path, &[("password", PASSWORD)]).await.with_status(200).text();
    let secret = between(&page, "data-copy=\"", "\"").to_owned();
    let code = authenticator_code(&secret, app.gatepost().now());
    browser.post(&format!("{path}/confirm"), &[("code", &code)]).await.with_status(200);
    // A code is taken once.
    app.advance(Duration::from_secs(30));
    secret
}

/// Whether this value of the cookie opens the manager.
async fn opens(app: &App, session: &str) -> bool {
    let browser = Browser::new(app);
    browser.set_cookie(COOKIE, session);
    browser.get("/account").await.status == 200
}

#[tokio::test]
async fn a_session_is_another_one_after_each_step_of_signing_in() {
    let app = App::builder().clock_at(START).start().await;
    let owner = Browser::owner(&app).await;
    let secret = add_second_factor(&app, &owner).await;
    let victim = Browser::new(&app);
    victim.set_cookie(COOKIE, "planted");
    victim.sign_in(EMAIL, PASSWORD).await.with_status(303);
    let half = victim.cookie(COOKIE).unwrap();
    assert_ne!(half, "planted");
    assert!(!opens(&app, &half).await, "the password alone opens nothing");

    let code = authenticator_code(&secret, app.gatepost().now());
    victim.post("/second-step", &[("code", &code)]).await.with_status(303);
    let whole = victim.cookie(COOKIE).unwrap();
    assert_ne!(whole, half);
    assert!(opens(&app, &whole).await);
    // Whoever had seen or planted the first value holds nothing now, not even the way to the second step.
    for before in ["planted", &half] {
        assert!(!opens(&app, before).await);
        let thief = Browser::new(&app);
        thief.set_cookie(COOKIE, before);
        app.advance(Duration::from_secs(30));
        let code = authenticator_code(&secret, app.gatepost().now());
        let away = thief.post("/second-step", &[("code", &code)]).await.with_status(303);
        assert!(away.header("location").starts_with("/settings/api-manager/sign-in"), "{before}");
    }
}

#[tokio::test]
async fn a_new_password_ends_every_session_and_the_next_is_a_new_one() {
    let app = App::start().await;
    app.workspace("one").await;
    let owner = Browser::owner(&app).await;
    let aiko = colleague(&app, "aiko", &[("one", gatepost_model::Role::Member)]).await;
    let before = aiko.cookie(COOKIE).unwrap();
    let page = owner.post("/people/usr_aiko/password-link", &[]).await.with_status(200).text();
    let link = between(&page, "<code>http://gatepost.test", "</code>").to_owned();
    let new = "slip and glaze and slip";
    aiko.post(&link, &[("password", new)]).await.with_status(303);
    assert!(!opens(&app, &before).await);
    let email = "aiko@ceramics.example";
    aiko.sign_in(email, PASSWORD).await.with_status(422);
    aiko.sign_in(email, new).await.with_status(303);
    let after = aiko.cookie(COOKIE).unwrap();
    assert!(after != before && opens(&app, &after).await);
}

#[tokio::test]
async fn guessing_a_password_from_many_addresses_is_slowed_down_and_its_owner_is_not() {
    let app = App::builder().clock_at(START).start().await;
    let owner = Browser::owner(&app).await;
    let mut tried = 0;
    for number in 1..=21 {
        let attacker = Browser::at(&app, [127, 0, 1, number]);
        for _ in 0..6 {
            match attacker.sign_in(EMAIL, WRONG).await.status {
                422 => tried += 1,
                other => assert_eq!(other, 429),
            }
        }
    }
    assert_eq!(tried, 100, "of all addresses together, in a quarter of an hour");
    let elsewhere = Browser::at(&app, [127, 0, 2, 1]);
    elsewhere.sign_in(EMAIL, PASSWORD).await.with_status(429);
    owner.sign_in(EMAIL, PASSWORD).await.with_status(303);
    colleague(&app, "aiko", &[]).await;
    app.advance(QUARTER);
    elsewhere.sign_in(EMAIL, PASSWORD).await.with_status(303);
}

#[tokio::test]
async fn guessing_at_many_accounts_from_one_address_is_slowed_down_there_alone() {
    let app = App::builder().clock_at(START).start().await;
    let owner = Browser::owner(&app).await;
    let attacker = Browser::at(&app, [127, 0, 1, 1]);
    let mut statuses = Vec::new();
    for number in 0..55 {
        statuses.push(attacker.sign_in(&format!("person-{number}@ceramics.example"), WRONG).await.status);
    }
    assert_eq!(statuses, [vec![422; 50], vec![429; 5]].concat());
    owner.sign_in(EMAIL, PASSWORD).await.with_status(303);
    app.advance(QUARTER);
    attacker.sign_in("person-0@ceramics.example", WRONG).await.with_status(422);
}

#[tokio::test]
async fn guessing_codes_with_the_password_in_hand_is_slowed_down_from_all_addresses_together() {
    let app = App::builder().clock_at(START).start().await;
    let owner = Browser::owner(&app).await;
    let secret = add_second_factor(&app, &owner).await;
    let mut tried = 0;
    for number in 1..=6 {
        let attacker = Browser::at(&app, [127, 0, 1, number]);
        for _ in 0..6 {
            // Giving the password again brings no new tries.
            attacker.sign_in(EMAIL, PASSWORD).await.with_status(303);
            match attacker.post("/second-step", &[("code", "000000")]).await.status {
                422 => tried += 1,
                other => assert_eq!(other, 429),
            }
        }
    }
    assert_eq!(tried, 20);
    app.advance(QUARTER);
    owner.sign_in(EMAIL, PASSWORD).await.with_status(303);
    let code = authenticator_code(&secret, app.gatepost().now());
    owner.post("/second-step", &[("code", &code)]).await.with_status(303);
    owner.get("/account").await.with_status(200);
}
