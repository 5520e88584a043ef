//! People, invitations, password links, one's own sessions, a workspace's page.

use gatepost_model::Role;
use gatepost_testkit::App;

use crate::support::{BASE, Browser, EMAIL, PASSWORD, WithStatus, between, colleague};

/// A name that would run if it stood on a page as it is.
const HOSTILE: &str = "<script>alert(1)</script>\"'";

async fn link_of(owner: &Browser, form: &[(&str, &str)]) -> String {
    let page = owner.post("/people/invite", form).await.with_status(200);
    assert_eq!(page.header("cache-control"), "no-store");
    let text = page.text();
    let link = between(&text, "<code>http", "</code>");
    link[link.find(BASE).unwrap()..].to_owned()
}

#[tokio::test]
async fn somebody_is_invited_joins_changes_role_and_is_removed() {
    let app = App::start().await;
    app.workspace("one").await;
    let owner = Browser::owner(&app).await;
    assert!(owner.get("/people").await.with_status(200).text().contains("Ines Ferreira"));
    owner.get("/people/invite").await.with_status(200);
    let none = owner.post("/people/invite", &[("email", "aiko@ceramics.example")]).await;
    assert!(none.with_status(422).text().contains("tick at least one workspace"));
    let form = [("email", "aiko@ceramics.example"), ("workspace", "one"), ("role", "admin")];
    let link = link_of(&owner, &form).await;
    assert!(owner.get("/people").await.text().contains("aiko@ceramics.example"), "it is pending");

    let aiko = Browser::new(&app);
    let page = aiko.get(&link).await.with_status(200);
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(page.text().contains("Ines Ferreira invites aiko@ceramics.example as admin"));
    let short = aiko.post(&link, &[("name", "Aiko"), ("password", "short")]).await.with_status(422).text();
    assert!(short.contains("Password use at least 12 characters."));
    aiko.post(&link, &[("name", HOSTILE), ("password", PASSWORD)]).await.with_status(303);
    aiko.get("/people").await.with_status(200);
    assert!(aiko.get(&link).await.with_status(404).text().contains("This link does not work"));

    let people = owner.get("/people").await.with_status(200).text();
    assert!(!people.contains("<script>alert"), "names are shown, not run");
    let aikos = people.split("/people/").filter(|part| part.contains("aiko@ceramics")).last();
    let id = aikos.and_then(|part| part.split('"').next()).unwrap().to_owned();
    let person = format!("/people/{id}");
    for path in [person.as_str(), &format!("{person}/remove/one"), "/workspaces/one", "/audit"] {
        let page = owner.get(path).await.with_status(200).text();
        assert!(!page.contains("<script>alert"), "{path}");
    }

    owner.post(&format!("{person}/role"), &[("workspace", "one"), ("role", "owner")]).await.with_status(303);
    owner.post(&format!("{person}/role"), &[("workspace", "one"), ("role", "member")]).await.with_status(303);
    let me = people.split("/people/").filter(|part| part.contains(EMAIL)).last();
    let me = me.and_then(|part| part.split('"').next()).unwrap();
    let last = owner.post(&format!("/people/{me}/remove/one"), &[]).await.with_status(409).text();
    assert!(last.contains("without an owner"));
    owner.post(&format!("{person}/remove/one"), &[]).await.with_status(303);
    aiko.get("/people").await.with_status(303);
}

#[tokio::test]
async fn an_account_that_is_there_joins_after_signing_in() {
    let app = App::start().await;
    app.workspace("one").await;
    let owner = Browser::owner(&app).await;
    let aiko = colleague(&app, "aiko", &[]).await;
    let form = [("email", "aiko@ceramics.example"), ("workspace", "one"), ("role", "member")];
    let link = link_of(&owner, &form).await;
    let signed_out = Browser::new(&app).get(&link).await.with_status(200).text();
    assert!(signed_out.contains("/sign-in?return=%2Fsettings%2Fapi-manager%2Finvitation%2F"));
    let other = owner.get(&link).await.with_status(200).text();
    assert!(other.contains("You are signed in as"));
    owner.post(&link, &[]).await.with_status(403);
    aiko.post(&link, &[]).await.with_status(303);
    assert!(aiko.get("/account").await.text().contains("<code class=\"tiny muted\">one</code>"));
}

#[tokio::test]
async fn an_owner_makes_a_password_link_and_a_pending_invitation_is_withdrawn() {
    let app = App::start().await;
    app.workspace("one").await;
    let owner = Browser::owner(&app).await;
    let aiko = colleague(&app, "aiko", &[("one", Role::Member)]).await;
    let page = owner.post("/people/usr_aiko/password-link", &[]).await.with_status(200);
    assert_eq!(page.header("cache-control"), "no-store");
    let page = page.text();
    let link = between(&page, "<code>http", "</code>");
    let link = &link[link.find(BASE).unwrap()..];
    let stranger = Browser::new(&app);
    assert!(stranger.get(link).await.with_status(200).text().contains("aiko@ceramics.example"));
    stranger.post(link, &[("password", "short")]).await.with_status(422);
    stranger.post(link, &[("password", "glaze and cone ten")]).await.with_status(303);
    aiko.get("/account").await.with_status(303);
    stranger.sign_in("aiko@ceramics.example", "glaze and cone ten").await.with_status(303);

    let form = [("email", "b@ceramics.example"), ("workspace", "one"), ("role", "member")];
    let link = link_of(&owner, &form).await;
    let people = owner.get("/people").await.text();
    let id = between(&people, "/people/invitations/", "/withdraw").to_owned();
    owner.post(&format!("/people/invitations/{id}/withdraw"), &[]).await.with_status(303);
    Browser::new(&app).get(&link).await.with_status(404);
    for _ in 0..4 {
        Browser::new(&app).get("/invitation/guess").await.with_status(404);
    }
    let waits = Browser::new(&app).get("/password/guess").await.with_status(429).text();
    assert!(waits.contains("Too many tries"));
}

#[tokio::test]
async fn sessions_are_shown_and_ended_one_by_one() {
    let app = App::start().await;
    let here = Browser::owner(&app).await;
    let there = Browser::new(&app);
    there.sign_in(EMAIL, PASSWORD).await.with_status(303);
    let account = here.get("/account").await.with_status(200).text();
    assert_eq!(account.matches("This session").count(), 1);
    let id = between(&account, "/account/sessions/", "/end").to_owned();
    here.post("/account/sessions/0000000000000000/end", &[]).await.with_status(404);
    here.post(&format!("/account/sessions/{id}/end"), &[]).await.with_status(303);
    there.get("/account").await.with_status(303);
    here.get("/account").await.with_status(200);
}

#[tokio::test]
async fn a_workspace_is_renamed_by_its_owner() {
    let app = App::start().await;
    app.workspace("one").await;
    let owner = Browser::owner(&app).await;
    let admin = colleague(&app, "tomasz", &[("one", Role::Admin)]).await;
    assert!(!admin.get("/workspaces/one").await.with_status(200).text().contains("Rename"));
    admin.post("/workspaces/one", &[("name", "Mine")]).await.with_status(403);
    let wrong = owner.post("/workspaces/one", &[("name", " ")]).await.with_status(422).text();
    assert!(wrong.contains("The name must not be empty."));
    owner.post("/workspaces/one", &[("name", HOSTILE)]).await.with_status(303);
    for path in ["/workspaces/one", "/workspaces", "/people", "/people/invite", "/account", "/audit"] {
        let page = owner.get(path).await.with_status(200).text();
        assert!(!page.contains("<script>alert"), "{path}");
    }
    admin.get("/audit").await.with_status(200);
}

#[tokio::test]
async fn p7_people_and_workspaces_of_others_are_not_there() {
    let app = App::start().await;
    for name in ["one", "two"] {
        app.workspace(name).await;
    }
    Browser::owner(&app).await;
    colleague(&app, "aiko", &[("one", Role::Member)]).await;
    let others = [
        colleague(&app, "stranger", &[]).await,
        colleague(&app, "fellow", &[("one", Role::Member)]).await,
        colleague(&app, "elsewhere", &[("two", Role::Owner)]).await,
    ];
    let nobody = Browser::new(&app);
    let form = [("workspace", "one"), ("role", "owner"), ("name", "Taken")];
    for (method, real, absent) in [
        ("GET", "/people/usr_aiko", "/people/usr_none"),
        ("POST", "/people/usr_aiko/role", "/people/usr_none/role"),
        ("GET", "/people/usr_aiko/remove/one", "/people/usr_none/remove/one"),
        ("POST", "/people/usr_aiko/remove/one", "/people/usr_none/remove/one"),
        ("POST", "/people/usr_aiko/password-link", "/people/usr_none/password-link"),
        ("GET", "/workspaces/one", "/workspaces/none"),
        ("POST", "/workspaces/one", "/workspaces/none"),
    ] {
        let ask = async |browser: &Browser, path: &str| match method {
            "GET" => browser.get(path).await,
            _ => browser.post(path, &form).await,
        };
        for other in &others {
            let (seen, nothing) =
                (ask(other, real).await.with_status(404), ask(other, absent).await.with_status(404));
            assert_eq!(seen.body, nothing.body, "{method} {real}");
        }
        ask(&nobody, real).await.with_status(303);
    }
    for other in &others {
        assert!(!other.get("/people").await.with_status(200).text().contains("aiko@"));
        other.post("/people/invite", &[("email", "a@b.example"), form[0], form[1]]).await.with_status(422);
    }
}
