//! Something of every kind that belongs to the workspace `saggar`, whose names are to be found on no page of others.

use std::time::Duration;

use gatepost_core::admin_tokens::NewAdminToken;
use gatepost_core::replays::NewReplay;
use gatepost_core::{Actor, Page};
use gatepost_model::replay::Replayed;
use gatepost_model::{Role, SystemRandom, Timestamp, User, ids};
use gatepost_store::tables::people;
use gatepost_testkit::{Answer, App, Receiver, TestClient, make};

use crate::support::{BASE, Browser, PASSWORD, WithStatus, between};

/// In every name of theirs. Their subdomain is the same in small letters.
const MARK: &str = "Saggar";

const WORKSPACE_NAME: &str = "Saggar works";

/// Theirs, and the one of whoever must not see it.
pub(crate) async fn make_workspaces(app: &App) {
    for (subdomain, name) in [("mine", "Mine"), ("saggar", WORKSPACE_NAME)] {
        app.gatepost().create_workspace(&Actor::Cli, subdomain, name).await.unwrap();
    }
}

/// The ids of what is theirs.
#[derive(Clone, Debug)]
pub(crate) struct Theirs {
    pub(crate) client: String,
    pub(crate) client_id: String,
    pub(crate) url: String,
    pub(crate) delivery: String,
    pub(crate) replay: String,
    pub(crate) request: String,
    pub(crate) workspace: String,
    pub(crate) person: String,
    pub(crate) invitation: String,
    pub(crate) token: String,
    pub(crate) session: String,
}

/// What is sent to every route: each finds something of its own.
pub(crate) fn form() -> Vec<(&'static str, &'static str)> {
    vec![
        ("name", "Taken over"),
        ("subdomain", "saggar"),
        ("workspaces", "saggar"),
        ("workspace", "saggar"),
        ("email", "new@ceramics.example"),
        ("role", "member"),
        ("url", "https://taken.example/"),
        ("methods", "task.create"),
        ("confirm", "Taken over"),
        ("scope", "clients:read"),
        ("theme", "dark"),
        ("text", "taken"),
    ]
}

impl Theirs {
    /// Makes all of it. `oneself` is the browser of `usr_oneself`, whose session and token they are.
    pub(crate) async fn make(app: &App, receiver: &Receiver, oneself: &Browser) -> Self {
        let client = make_client(app, receiver.url("/saggar")).await;
        let bearer = app.token(&client).await;
        let task = serde_json::json!({ "title": "Saggar glaze" });
        let made = app.call("POST", "/v1.11/tasks", &bearer, Some("saggar"), Some(task)).await;
        assert!(made.status < 300, "{}", made.text());
        receiver.wait_for(1).await;
        let delivery = app.settled_deliveries(None).await[0].delivery.id.clone();
        let refused = app.call("GET", "/v1.11/tasks", &bearer, Some("elsewhere"), None).await.expect(400);
        app.gatepost().flush_journal().await.unwrap();
        Self {
            url: url_of(app, &client.id).await,
            replay: make_replay(app, &client.id).await,
            client: client.id,
            client_id: client.client_id,
            delivery,
            request: refused.header("x-request-id").to_owned(),
            workspace: String::from("saggar"),
            person: make_person(app).await,
            invitation: make_invitation(app).await,
            token: make_token(app).await,
            session: make_session(oneself).await,
        }
    }

    /// The same with new ones in place of those that a form sent to `route` may be the end of.
    pub(crate) async fn anew(&self, app: &App, route: &str, oneself: &Browser) -> Self {
        let mut anew = self.clone();
        let route = route.strip_prefix(BASE).unwrap_or(route);
        if route.starts_with("/clients/{id}") {
            anew.client = make_client(app, String::from("https://saggar.example/in")).await.id;
            anew.url = url_of(app, &anew.client).await;
        } else if route.starts_with("/people/invitations/") {
            anew.invitation = make_invitation(app).await;
        } else if route.starts_with("/people/{id}") {
            anew.person = make_person(app).await;
        } else if route.starts_with("/tokens/{id}") {
            anew.token = make_token(app).await;
        } else if route.starts_with("/account/sessions/") {
            anew.session = make_session(oneself).await;
        }
        anew
    }

    /// Ids that look like theirs, and of which there is nothing.
    pub(crate) fn absent() -> Self {
        let none = |prefix: &str| format!("{prefix}_00000000000000000000000000");
        Self {
            client: none("cli"),
            client_id: String::from("gpc_00000000000000000000"),
            url: none("whu"),
            delivery: none("dlv"),
            replay: none("rpl"),
            request: none("req"),
            workspace: String::from("absent"),
            person: none("usr"),
            invitation: none("inv"),
            token: none("adt"),
            session: String::from("0000000000000000"),
        }
    }

    /// The path of a route with these in place of what is in braces.
    pub(crate) fn path(&self, route: &str) -> String {
        let id = [
            ("/clients/", &self.client),
            ("/deliveries/", &self.delivery),
            ("/replays/", &self.replay),
            ("/requests/", &self.request),
            ("/people/invitations/", &self.invitation),
            ("/people/", &self.person),
            ("/tokens/", &self.token),
        ];
        let id = id.iter().find(|(section, _)| route.contains(section)).map_or("", |(_, id)| id);
        let path = route
            .replace("{id}", id)
            .replace("{url}", &self.url)
            .replace("{number}", "1")
            .replace("{session}", &self.session)
            .replace("{subdomain}", &self.workspace)
            .replace("{token}", "guess")
            .replace("{name}", "guess")
            .replace("{method}", "task.create")
            .replace("{path}", "tasks");
        assert!(!path.contains('{'), "{route}: say here what stands in braces");
        path
    }

    /// Queries that name what is theirs, in every way that a page may take.
    pub(crate) fn queries(&self) -> Vec<String> {
        let ids = [&self.client, &self.client_id, &self.url, &self.delivery, &self.request, &self.person];
        let names = ["client", "subject", "url", "search", "request", "q", "person", "before", "after"];
        let by_id = ids.iter().flat_map(|id| names.map(|name| format!("{name}={id}")));
        let by_name = ["workspace", "search", "name"].map(|name| format!("{name}=saggar"));
        by_id.chain(by_name).collect()
    }

    /// Nothing of theirs is in the answer but what was asked with.
    #[track_caller]
    pub(crate) fn is_not_told(&self, answer: &Answer, who: &str) {
        let text = answer.text();
        assert!(!text.contains(MARK), "{who}: {text}");
        self.is_not_named(answer, who);
    }

    /// None of their ids is in the answer.
    #[track_caller]
    pub(crate) fn is_not_named(&self, answer: &Answer, who: &str) {
        self.names_none_but(answer, "", who);
    }

    /// Nothing of theirs is in the answer but what was in the query.
    #[track_caller]
    pub(crate) fn is_not_told_by(&self, answer: &Answer, query: &str) {
        let text = answer.text();
        assert!(!text.contains(MARK), "{query}: {text}");
        self.names_none_but(answer, query, query);
    }

    #[track_caller]
    fn names_none_but(&self, answer: &Answer, query: &str, who: &str) {
        let text = answer.text();
        let ids = [&self.client, &self.client_id, &self.url, &self.delivery, &self.request];
        let more = [&self.person, &self.invitation, &self.token, &self.session];
        for id in ids.into_iter().chain(more).filter(|id| !query.contains(id.as_str())) {
            assert!(!text.contains(id.as_str()), "{who}: {id} in {text}");
        }
    }

    /// After a route by which an owner gives the workspace another name.
    pub(crate) async fn restore_name(&self, app: &App) {
        app.gatepost().rename_workspace(&Actor::Cli, &self.workspace, WORKSPACE_NAME, None).await.unwrap();
    }

    /// What others might have changed.
    pub(crate) async fn state(&self, app: &App) -> String {
        let gatepost = app.gatepost();
        let client = gatepost.show_client(&self.client).await.unwrap();
        let person = gatepost.lookup_user(&self.person).await.unwrap();
        let mut state = format!("{client:?} {person:?}");
        for (kind, id) in [("invitation", &self.invitation), ("token", &self.token)] {
            let log = gatepost.list_audit(Some(id.clone()), Page::default()).await.unwrap();
            state.push_str(&format!(" {kind} {}", log.len()));
        }
        state
    }
}

async fn make_client(app: &App, url: String) -> TestClient {
    app.client(make::subscriber("Saggar sync", &["saggar"], &[url], &["task.create"])).await
}

async fn make_replay(app: &App, client: &str) -> String {
    let new =
        NewReplay { url: None, since: Timestamp::EPOCH, until: None, method: None, which: Replayed::Failed };
    app.gatepost().start_replay(&Actor::Cli, client, new).await.unwrap().replay.id
}

async fn url_of(app: &App, client: &str) -> String {
    app.gatepost().show_client(client).await.unwrap().webhook_urls[0].id.clone()
}

async fn make_person(app: &App) -> String {
    let id = ids::sortable(ids::USER, app.gatepost().now(), &SystemRandom);
    add_person(app, &id, "Saggar Maker", &format!("{id}@saggar.example")).await;
    id
}

/// A member of theirs who never signs in.
pub(crate) async fn add_person(app: &App, id: &str, name: &str, email: &str) {
    let gatepost = app.gatepost();
    let workspaces = gatepost.list_workspaces().await.unwrap();
    let workspace = workspaces.iter().find(|known| known.subdomain.as_str() == "saggar").unwrap().number;
    let user = User {
        email: email.to_owned(),
        id: id.to_owned(),
        name: name.to_owned(),
        has_second_factor: false,
        memberships: Vec::new(),
        created_at: gatepost.now(),
    };
    let insert = gatepost.store().write(move |tx| {
        people::insert(tx, &user, "")?;
        people::join(tx, &user.id, workspace, Role::Member)
    });
    insert.await.unwrap();
}

async fn make_invitation(app: &App) -> String {
    let email = format!("{}@saggar.example", ids::sortable("new_", app.gatepost().now(), &SystemRandom));
    let workspaces = [String::from("saggar")];
    app.gatepost().invite(&oneself(), &email, &workspaces, Role::Member).await.unwrap().0.id
}

async fn make_token(app: &App) -> String {
    let new = NewAdminToken {
        name: String::from("Saggar token"),
        scopes: vec![String::from("clients:read")],
        workspaces: vec![String::from("saggar")],
        lifetime: Duration::from_secs(24 * 3600),
    };
    app.gatepost().create_admin_token(&oneself(), "usr_oneself", new).await.unwrap().0.id
}

fn oneself() -> Actor {
    Actor::User(String::from("usr_oneself"), [127, 0, 0, 1].into())
}

/// Another session of whoever holds this browser.
async fn make_session(oneself: &Browser) -> String {
    oneself.another().sign_in("oneself@ceramics.example", PASSWORD).await.with_status(303);
    let account = oneself.get("/account").await.with_status(200).text();
    between(&account, "/account/sessions/", "/end").to_owned()
}
