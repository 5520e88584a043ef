//! Admin tokens: P6 and P7. Every call of the admin API is tried with tokens of every kind; a new one is tried without a
//! change here, because the calls are asked from the router's own table.

use std::time::Duration;

use gatepost_api::admin::{self, Needs};
use gatepost_core::Actor;
use gatepost_core::admin_tokens::{NewAdminToken, Scope};
use gatepost_model::{Role, Timestamp, User, WorkspaceNumber, ids};
use gatepost_store::Tx;
use gatepost_store::tables::{memberships, people};
use gatepost_testkit::{Answer, App, TestClient, described, make};
use serde_json::{Value, json};

use super::altered;
use crate::support::{SCHOOL, SHOP, create_task, text};

const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

/// A user with a role in one workspace.
async fn user(app: &App, name: &str, number: WorkspaceNumber, role: Role) -> String {
    let id = ids::sortable(ids::USER, app.gatepost().now(), app.gatepost().random());
    let user = User {
        id: id.clone(),
        email: format!("{name}@example.org"),
        name: name.to_owned(),
        has_second_factor: false,
        memberships: Vec::new(),
        created_at: app.gatepost().now(),
    };
    let added = app.gatepost().store().write(move |tx| {
        people::insert(tx, &user, "no password")?;
        people::join(tx, &user.id, number, role)
    });
    added.await.unwrap();
    id
}

async fn number_of(app: &App, workspace: &str) -> WorkspaceNumber {
    let all = app.gatepost().list_workspaces().await.unwrap();
    all.into_iter().find(|known| known.subdomain.as_str() == workspace).unwrap().number
}

/// A token of a user: its id and itself.
pub(super) async fn token(app: &App, user: &str, workspace: &str, scopes: &[Scope]) -> (String, String) {
    let new = NewAdminToken {
        name: String::from("CI"),
        scopes: scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        workspaces: vec![workspace.to_owned()],
        lifetime: MONTH,
    };
    let (token, plain) = app.gatepost().create_admin_token(&Actor::Cli, user, new).await.unwrap();
    (token.id, plain.expose().to_owned())
}

/// A deployment with two workspaces, their owners, and in the first one something of every kind.
pub(super) struct Stage {
    pub(super) app: App,
    pub(super) ann: String,
    ben: String,
    pub(super) client: TestClient,
    pub(super) url: String,
    pub(super) delivery: String,
    pub(super) request: String,
    invitation: String,
    replay: String,
}

impl Stage {
    pub(super) async fn set() -> Self {
        let app = App::builder().clock_at(START).start().await;
        let (school, shop) = (app.workspace(SCHOOL).await, app.workspace(SHOP).await);
        let ann = user(&app, "ann", school.number, Role::Owner).await;
        let ben = user(&app, "ben", shop.number, Role::Owner).await;
        let client = app
            .client(gatepost_core::clients::NewClient {
                webhook_urls: vec![String::from("http://127.0.0.1:9/hook")],
                methods: vec![String::from("task.create")],
                ..make::client("CRM sync", &[SCHOOL])
            })
            .await;
        let access = app.token(&client).await;
        create_task(&app, &access, SCHOOL, "one").await;
        let listed = app.admin("GET", "/deliveries", None).await.expect(200).json();
        let delivery = text(&listed[0], "id");
        let refused = app.call("GET", "/v1.11/tasks", &access, Some(SHOP), None).await;
        let request = refused.header("x-request-id").to_owned();
        app.gatepost().flush_journal().await.unwrap();
        let invited = json!({ "email": "cleo@example.org", "role": "member", "workspaces": [SCHOOL] });
        let invited = app.admin("POST", "/invitations", Some(invited)).await.expect(201).json();
        let invitation = text(&invited, "id");
        let shown = app.gatepost().show_client(&client.id).await.unwrap();
        let url = shown.webhook_urls[0].id.clone();
        let replays = format!("/clients/{}/replays", client.id);
        let replay = app.admin("POST", &replays, Some(json!({ "since": "2020-01-01" }))).await.expect(201);
        let replay = text(&replay.json(), "id");
        Self { app, ann, ben, client, url, delivery, request, invitation, replay }
    }

    /// A path of the table with things that exist in the first workspace.
    pub(super) fn path(&self, path: &str, admin_token: &str) -> String {
        let id = match path.split('/').nth(1) {
            Some("clients") => &self.client.id,
            Some("deliveries") => &self.delivery,
            Some("requests") => &self.request,
            Some("replays") => &self.replay,
            Some("people") => &self.ann,
            Some("invitations") => &self.invitation,
            _ => admin_token,
        };
        let path = path.replace("{id}", id).replace("{number}", "1").replace("{session}", "0");
        path.replace("{subdomain}", SCHOOL).replace("{url}", &self.url)
    }

    async fn call(&self, verb: &str, path: &str, authorization: Option<&str>) -> Answer {
        let headers: Vec<_> = authorization.map(|value| ("authorization", value)).into_iter().collect();
        let answer = self.app.http.send(verb, &format!("/admin/v1{path}"), &headers, "").await;
        described::check(verb, path, &answer);
        answer
    }

    pub(super) async fn call_with(&self, verb: &str, path: &str, token: &str) -> Answer {
        self.call(verb, path, Some(&format!("Bearer {token}"))).await
    }
}

#[tokio::test]
async fn p7_no_call_can_be_made_without_a_good_token() {
    let stage = Stage::set().await;
    let (app, all) = (&stage.app, Scope::ALL.as_slice());
    let access = app.token(&stage.client).await;
    let (id, good) = token(app, &stage.ann, SCHOOL, all).await;
    let (ended_id, ended) = token(app, &stage.ann, SCHOOL, all).await;
    app.gatepost().end_admin_token(&Actor::Cli, &ended_id).await.unwrap();
    let school = number_of(app, SCHOOL).await;
    let leaver = user(app, "leaver", school, Role::Owner).await;
    let (_, orphan) = token(app, &leaver, SCHOOL, all).await;
    app.gatepost().store().write(move |tx| memberships::leave(tx, &leaver, school)).await.unwrap();
    let wrong = altered(&good);
    for (verb, path, needs) in admin::table() {
        let path = stage.path(path, &id);
        let none = stage.call(verb.as_str(), &path, None).await.expect(401);
        assert!(none.header("www-authenticate").starts_with("Bearer"), "{verb} {path}");
        let bad = [("wrong", &wrong), ("client", &access), ("ended", &ended), ("orphan", &orphan)];
        for (kind, token) in bad {
            let answer = stage.call_with(verb.as_str(), &path, token).await;
            assert_eq!(answer.status, 401, "{kind}: {verb} {path}: {}", answer.text());
        }
        let basic = stage.call(verb.as_str(), &path, Some(&format!("Basic {good}"))).await;
        assert_eq!(basic.status, 401, "{verb} {path}");
        if needs == Needs::Operator {
            assert_eq!(stage.call_with(verb.as_str(), &path, &good).await.status, 404, "{verb} {path}");
        }
        // So many wrong tokens from one address are not borne for long.
        app.advance(Duration::from_secs(61));
    }
    app.advance(MONTH);
    for (verb, path, _) in admin::table() {
        let path = stage.path(path, &id);
        assert_eq!(stage.call_with(verb.as_str(), &path, &good).await.status, 401, "expired: {verb} {path}");
        app.advance(Duration::from_secs(61));
    }
}

#[tokio::test]
async fn p7_each_call_needs_its_scope_and_says_which() {
    let stage = Stage::set().await;
    for (verb, path, needs) in admin::table() {
        let Needs::Scope(needed) = needs else { continue };
        let others: Vec<_> = Scope::ALL.into_iter().filter(|scope| *scope != needed).collect();
        let (id, weak) = token(&stage.app, &stage.ann, SCHOOL, &others).await;
        let answer = stage.call_with(verb.as_str(), &stage.path(path, &id), &weak).await;
        assert_eq!(answer.status, 403, "{verb} {path}: {}", answer.text());
        assert!(answer.text().contains(needed.as_str()), "{verb} {path}: {}", answer.text());
    }
}

#[tokio::test]
async fn p7_what_belongs_to_another_workspace_does_not_exist() {
    let stage = Stage::set().await;
    let (anns, _) = token(&stage.app, &stage.ann, SCHOOL, &Scope::ALL).await;
    let (_, foreign) = token(&stage.app, &stage.ben, SHOP, &Scope::ALL).await;
    let demoted = {
        let (_, plain) = token(&stage.app, &stage.ann, SCHOOL, &Scope::ALL).await;
        plain
    };
    for round in ["foreign", "demoted"] {
        let token = if round == "foreign" { &foreign } else { &demoted };
        for (verb, path, needs) in admin::table() {
            let is_own =
                ["/admin-tokens/", "/sessions", "/password-link"].iter().any(|one| path.contains(one));
            if needs == Needs::Operator || (round == "demoted" && is_own) {
                continue;
            }
            let answer = stage.call_with(verb.as_str(), &stage.path(path, &anns), token).await;
            if path.contains('{') {
                assert_eq!(answer.status, 404, "{round}: {verb} {path}: {}", answer.text());
            }
            for secret in [&stage.client.id, &stage.client.client_id, &stage.client.secret] {
                let shown = !path.contains("{id}") && answer.text().contains(secret.as_str());
                assert!(!shown, "{round}: {verb} {path}: {}", answer.text());
            }
        }
        let ann = stage.ann.clone();
        let school = number_of(&stage.app, SCHOOL).await;
        let demoted = move |tx: &Tx<'_>| people::join(tx, &ann, school, Role::Member);
        stage.app.gatepost().store().write(demoted).await.unwrap();
    }
    assert_eq!(stage.app.ask_token(&stage.client.client_id, &stage.client.secret).await.status, 200);
}

#[tokio::test]
async fn a_good_token_does_what_its_scopes_say_and_the_audit_trail_names_both() {
    let stage = Stage::set().await;
    let (id, good) = token(&stage.app, &stage.ann, SCHOOL, &Scope::ALL).await;
    let clients = stage.call_with("GET", "/clients", &good).await.expect(200).json();
    assert_eq!(clients[0]["id"], stage.client.id);
    let path = format!("/admin/v1/clients/{}", stage.client.id);
    let bearer = format!("Bearer {good}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let change = json!({ "name": "Renamed" }).to_string();
    let stale = [headers.as_slice(), &[("if-match", "\"99\"")]].concat();
    let _ = stage.app.http.send("PATCH", &path, &stale, change.clone()).await.expect(409);
    let changed = stage.app.http.send("PATCH", &path, &headers, change).await.expect(200).json();
    assert_eq!(changed["name"], "Renamed");
    let beyond = json!({ "addWorkspaces": [SHOP] }).to_string();
    let _ = stage.app.http.send("PATCH", &path, &headers, beyond).await.expect(400);
    let revealed = stage.call_with("POST", &format!("/clients/{}/reveal", stage.client.id), &good).await;
    assert_eq!(revealed.expect(200).json()["clientSecret"], stage.client.secret.as_str());
    let audit = stage.call_with("GET", "/audit", &good).await.expect(200).json();
    let renamed = audit.as_array().unwrap().iter().find(|entry| entry["action"] == "client.update").unwrap();
    assert_eq!(renamed["actor"], format!("token:{id}/user:{}", stage.ann));
    for path in ["/workspaces", "/methods", "/deliveries", "/admin-tokens"] {
        let listed = stage.call_with("GET", path, &good).await.expect(200).json();
        assert!(listed.as_array().is_some_and(|rows| !rows.is_empty()), "{path}: {listed}");
    }
    let _ = stage.call_with("GET", &format!("/deliveries/{}", stage.delivery), &good).await.expect(200);
    let _ = stage.call_with("GET", &format!("/requests/{}", stage.request), &good).await.expect(200);
    let _ = stage.call_with("POST", &format!("/admin-tokens/{id}/end"), &good).await.expect(200);
    let _ = stage.call_with("GET", "/clients", &good).await.expect(401);
}

#[tokio::test]
async fn p6_an_admin_token_is_no_access_token_and_guessing_is_bounded() {
    let stage = Stage::set().await;
    let (_, good) = token(&stage.app, &stage.ann, SCHOOL, &Scope::ALL).await;
    let refused = stage.app.call("GET", "/v1.11/tasks", &good, Some(SCHOOL), None).await;
    assert_eq!(refused.status, 401);
    let mut statuses = Vec::new();
    for _ in 0..21 {
        statuses.push(stage.call_with("GET", "/clients", "gpa_guess").await.status);
    }
    assert_eq!(statuses.first(), Some(&401));
    assert_eq!(statuses.last(), Some(&429));
    let waits = stage.call_with("GET", "/clients", &good).await.expect(429);
    assert!(!waits.header("retry-after").is_empty());
    assert!(waits.header("access-control-allow-origin").is_empty());
}

#[tokio::test]
async fn the_operator_makes_a_token_for_a_user_within_that_users_rights() {
    let stage = Stage::set().await;
    let wanted = |workspace: &str, scope: &str| -> Value {
        json!({ "user": "ann@example.org", "name": "CI", "workspaces": [workspace], "scopes": [scope] })
    };
    let made = stage.app.admin("POST", "/admin-tokens", Some(wanted(SCHOOL, "clients:read"))).await;
    let made = made.expect(201).json();
    let plain = text(&made, "adminToken");
    assert!(plain.starts_with("gpa_") && plain.ends_with(&text(&made, "hint")));
    let _ = stage.call_with("GET", "/clients", &plain).await.expect(200);
    let listed = stage.app.admin("GET", "/admin-tokens", None).await.expect(200);
    assert!(!listed.text().contains(&plain) && listed.text().contains("\"active\""));
    for (workspace, scope) in [(SHOP, "clients:read"), (SCHOOL, "everything")] {
        let refused = stage.app.admin("POST", "/admin-tokens", Some(wanted(workspace, scope))).await;
        let _ = refused.expect(400);
    }
}

/// A change with what it was made for.
pub(super) async fn change(
    stage: &Stage,
    token: &str,
    verb: &str,
    path: &str,
    tag: &str,
    body: Value,
) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers =
        [("authorization", bearer.as_str()), ("if-match", tag), ("content-type", "application/json")];
    let answer = stage.app.http.send(verb, &format!("/admin/v1{path}"), &headers, body.to_string()).await;
    described::check(verb, path, &answer);
    answer
}

#[tokio::test]
async fn p8_people_and_workspaces_are_managed_within_the_rights_of_the_token() {
    let stage = Stage::set().await;
    let school = number_of(&stage.app, SCHOOL).await;
    let dan = user(&stage.app, "dan", school, Role::Member).await;
    let (_, good) = token(&stage.app, &stage.ann, SCHOOL, &Scope::ALL).await;
    let people = stage.call_with("GET", "/people", &good).await.expect(200).json();
    assert_eq!(
        people.as_array().map(Vec::len),
        Some(2),
        "those of the other workspace are not there: {people}"
    );

    let membership = format!("/people/{dan}/memberships/{SCHOOL}");
    let admin = json!({ "role": "admin" });
    let stale = change(&stage, &good, "PUT", &membership, "\"owner\"", admin.clone()).await.expect(409);
    assert!(stale.text().contains("it is member now"), "{}", stale.text());
    let changed = change(&stage, &good, "PUT", &membership, "\"member\"", admin).await.expect(200);
    assert_eq!((changed.header("etag"), changed.json()["role"].as_str()), ("\"admin\"", Some("admin")));

    let path = format!("/workspaces/{SCHOOL}");
    let read = stage.call_with("GET", &path, &good).await.expect(200);
    let (tag, name) = (read.header("etag").to_owned(), json!({ "name": "Glaze & Co" }));
    let renamed = change(&stage, &good, "PATCH", &path, &tag, name.clone()).await.expect(200);
    assert_eq!(renamed.json()["name"], "Glaze & Co");
    let stale = change(&stage, &good, "PATCH", &path, &tag, name.clone()).await.expect(409);
    assert!(stale.text().contains("Glaze & Co"), "{}", stale.text());
    let again = renamed.header("etag").to_owned();
    let _ = change(&stage, &good, "PATCH", &path, &again, name).await.expect(200);

    let link =
        stage.call_with("POST", &format!("/people/{dan}/password-link"), &good).await.expect(200).json();
    assert!(text(&link, "link").contains("/settings/api-manager/password/"));
    let own = stage.call_with("POST", &format!("/people/{}/password-link", stage.ann), &good).await;
    let _ = own.expect(403);
    let ended = stage.call_with("POST", &format!("/people/{dan}/sessions/end"), &good).await.expect(200);
    assert_eq!(ended.json()["endedSessions"], 0);

    let invited = json!({ "email": "eve@example.org", "role": "owner", "workspaces": [SCHOOL] });
    let invited = change(&stage, &good, "POST", "/invitations", "*", invited).await.expect(201).json();
    assert!(text(&invited, "link").contains("/settings/api-manager/invitation/"));
    let listed = stage.call_with("GET", "/invitations", &good).await.expect(200);
    assert!(!listed.text().contains("\"link\"") && listed.text().contains("eve@example.org"));
    let path = format!("/invitations/{}/withdraw", text(&invited, "id"));
    let _ = stage.call_with("POST", &path, &good).await.expect(200);
    let _ = change(&stage, &good, "DELETE", &membership, "\"admin\"", json!({})).await.expect(200);
    let people = stage.call_with("GET", "/people", &good).await.expect(200).json();
    assert_eq!(people.as_array().map(Vec::len), Some(1), "{people}");
}

#[tokio::test]
async fn p7_an_owner_cuts_off_tokens_of_others_that_reach_only_what_they_own() {
    let stage = Stage::set().await;
    let (school, shop) = (number_of(&stage.app, SCHOOL).await, number_of(&stage.app, SHOP).await);
    let dan = user(&stage.app, "dan", school, Role::Admin).await;
    let (narrow, _) = token(&stage.app, &dan, SCHOOL, &[Scope::ClientsRead]).await;
    let joined = dan.clone();
    stage.app.gatepost().store().write(move |tx| people::join(tx, &joined, shop, Role::Admin)).await.unwrap();
    let both = NewAdminToken {
        name: String::from("Both"),
        scopes: vec![String::from("clients:read")],
        workspaces: vec![SCHOOL.to_owned(), SHOP.to_owned()],
        lifetime: MONTH,
    };
    let (wide, _) = stage.app.gatepost().create_admin_token(&Actor::Cli, &dan, both).await.unwrap();
    let (_, anns) = token(&stage.app, &stage.ann, SCHOOL, &Scope::ALL).await;
    let (_, dans) = token(&stage.app, &dan, SCHOOL, &Scope::ALL).await;
    let (own, _) = token(&stage.app, &stage.ann, SCHOOL, &[Scope::ClientsRead]).await;

    let listed = stage.call_with("GET", "/admin-tokens", &anns).await.expect(200).text();
    assert!(listed.contains(&narrow) && !listed.contains(&wide.id), "{listed}");
    let _ = stage.call_with("POST", &format!("/admin-tokens/{}/end", wide.id), &anns).await.expect(404);
    let _ = stage.call_with("POST", &format!("/admin-tokens/{own}/end"), &dans).await.expect(404);
    let ended = stage.call_with("POST", &format!("/admin-tokens/{narrow}/end"), &anns).await.expect(200);
    assert_eq!(ended.json()["status"], "ended");
}
