//! What others may see: nothing, on any route (security.md P7). The routes are those of the router itself: one that is
//! new needs a rule here before this passes.

use gatepost_core::Actor;
use gatepost_core::clients::NewClient;
use gatepost_model::Role;
use gatepost_testkit::{Answer, App, Receiver};
use gatepost_ui::Route;
use http::Method;

use crate::support::{BASE, Browser, WithStatus, colleague};
use crate::theirs::{self, Theirs, form};

/// Who gets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Everybody: there is nothing of anybody's there.
    Open,
    /// Whoever is signed in: it shows what is theirs.
    SignedIn,
    /// Whoever has this role in the workspace of what it names. Others are answered as if it did not exist.
    Least(Role),
    /// Admins see what it names, but only owners may do that.
    SeenByAdmins,
    /// The one person whose it is.
    Own,
    /// The one person whose it is, and who owns all that it reaches.
    OwnOrOwners,
}

/// By the beginning of the path, or of the HTTP method and the path; the first one counts.
const RULES: &[(&str, Rule)] = &[
    ("/assets/", Rule::Open),
    ("/sign-in", Rule::Open),
    ("/second-step", Rule::Open),
    ("/sign-out-everywhere", Rule::SignedIn),
    ("/sign-out", Rule::Open),
    ("/set-up/{token}", Rule::Open),
    ("/invitation/{token}", Rule::Open),
    ("/password/{token}", Rule::Open),
    ("/theme", Rule::Open),
    ("/account/sessions/{session}/", Rule::Own),
    ("/account", Rule::SignedIn),
    ("/tokens/{id}", Rule::OwnOrOwners),
    ("/tokens", Rule::SignedIn),
    ("/clients/{id}", Rule::Least(Role::Admin)),
    ("/deliveries/{id}", Rule::Least(Role::Admin)),
    ("/replays/{id}", Rule::Least(Role::Admin)),
    ("/replays", Rule::SignedIn),
    ("/requests/{id}", Rule::Least(Role::Admin)),
    ("/workspaces/{subdomain}/notices", Rule::Least(Role::Admin)),
    ("POST /workspaces/{subdomain}", Rule::SeenByAdmins),
    ("/workspaces/{subdomain}", Rule::Least(Role::Admin)),
    ("/people/{id}/password-link", Rule::SeenByAdmins),
    ("/people/{id}", Rule::Least(Role::Admin)),
    ("/people/invitations/{id}/", Rule::Least(Role::Admin)),
    ("/clients", Rule::SignedIn),
    ("/deliveries", Rule::SignedIn),
    ("/requests", Rule::SignedIn),
    ("/workspaces", Rule::SignedIn),
    ("/people", Rule::SignedIn),
    ("/troubleshooting", Rule::SignedIn),
    ("/audit", Rule::SignedIn),
    ("/help/", Rule::SignedIn),
];

fn rule_of(route: &Route) -> Rule {
    let path = route.path.strip_prefix(BASE).unwrap_or_else(|| panic!("{route:?} is not under {BASE}"));
    match path {
        "" => return Rule::SignedIn,
        "/" => return Rule::Open,
        _ => {}
    }
    let whole = format!("{} {path}", route.method);
    let found = RULES.iter().find(|(start, _)| path.starts_with(start) || whole.starts_with(start));
    found.unwrap_or_else(|| panic!("{whole}: say in RULES who may use it")).1
}

/// Somebody who asks, and the role that they have in the workspace of theirs.
struct Asker {
    name: &'static str,
    role: Option<Role>,
    is_oneself: bool,
    browser: Browser,
}

impl Asker {
    /// What this person must be answered where the rule is this, and nothing that the form says is wrong: one of these.
    fn must_get(&self, rule: Rule) -> &'static [u16] {
        const IN: &[u16] = &[200, 303, 400, 409, 422];
        let administers = self.role.is_some_and(Role::administers);
        match rule {
            Rule::Open => &[200, 303, 308, 400, 404, 422, 429],
            Rule::SignedIn => IN,
            Rule::Least(_) | Rule::SeenByAdmins if !administers => &[404],
            Rule::SeenByAdmins if self.role != Some(Role::Owner) => &[403],
            Rule::Own if !self.is_oneself => &[404],
            Rule::OwnOrOwners if !self.is_oneself && self.role != Some(Role::Owner) => &[404],
            Rule::Least(_) | Rule::SeenByAdmins | Rule::Own | Rule::OwnOrOwners => IN,
        }
    }
}

async fn askers(app: &App) -> Vec<Asker> {
    let mut askers = Vec::new();
    for (name, workspace, role) in [
        ("stranger", None, None),
        ("outsider", Some(("mine", Role::Owner)), None),
        ("member", Some(("saggar", Role::Member)), Some(Role::Member)),
        ("admin", Some(("saggar", Role::Admin)), Some(Role::Admin)),
        ("owner", Some(("saggar", Role::Owner)), Some(Role::Owner)),
        ("oneself", Some(("saggar", Role::Admin)), Some(Role::Admin)),
    ] {
        let browser = colleague(app, name, workspace.as_slice()).await;
        askers.push(Asker { name, role, is_oneself: name == "oneself", browser });
    }
    askers
}

#[tokio::test]
async fn p7_every_route_lets_in_whom_its_rule_says_and_shows_others_nothing() {
    let app = App::start().await;
    let receiver = Receiver::start().await;
    // Before there are workspaces, so that this one owns none of them.
    Browser::owner(&app).await;
    theirs::make_workspaces(&app).await;
    let nobody = Browser::new(&app);
    let askers = askers(&app).await;
    let oneself = askers.iter().find(|asker| asker.is_oneself).map(|asker| &asker.browser).unwrap();
    let theirs = Theirs::make(&app, &receiver, oneself).await;
    let absent = Theirs::absent();

    let routes = gatepost_ui::routes();
    assert!(routes.len() > 70, "so few routes: {}", routes.len());
    let before = theirs.state(&app).await;
    for route in &routes {
        let rule = rule_of(route);
        let at = |of: &Theirs| of.path(&route.path);
        let answer = ask(&nobody, &route.method, &at(&theirs)).await;
        let to_sign_in = answer.header("location").starts_with("/settings/api-manager/sign-in");
        if rule == Rule::Open {
            assert!(answer.status < 500, "{route:?}: {}", answer.status);
        } else {
            assert!(answer.status == 303 && to_sign_in, "{route:?}, nobody: {}", answer.status);
        }
        theirs.is_not_told(&answer, &format!("{route:?}, nobody"));

        for asker in &askers {
            let who = format!("{} {}, {}", route.method, route.path, asker.name);
            let allowed = asker.must_get(rule);
            let shut_out = allowed == [404] || asker.role.is_none();
            let mut own = None;
            if !shut_out && route.method == Method::POST {
                // It may be the end of what it names.
                own = Some(theirs.anew(&app, &route.path, &asker.browser).await);
            }
            let answer = ask(&asker.browser, &route.method, &at(own.as_ref().unwrap_or(&theirs))).await;
            assert!(allowed.contains(&answer.status), "{who}: {} {}", answer.status, answer.text());
            if shut_out {
                theirs.is_not_told(&answer, &who);
            }
            if asker.role == Some(Role::Member) && !matches!(rule, Rule::Own | Rule::OwnOrOwners) {
                theirs.is_not_named(&answer, &who);
            }
            if allowed == [404] {
                let nothing = ask(&asker.browser, &route.method, &at(&absent)).await;
                assert_eq!((answer.status, &answer.body), (nothing.status, &nothing.body), "{who}");
            }
            asker.sign_in_again().await;
            theirs.restore_name(&app).await;
        }
    }
    assert_eq!(theirs.state(&app).await, before, "nothing of theirs was changed");
}

impl Asker {
    /// After a route that signs people out.
    async fn sign_in_again(&self) {
        if self.browser.get("/account").await.status != 200 {
            let email = format!("{}@ceramics.example", self.name);
            self.browser.sign_in(&email, crate::support::PASSWORD).await.with_status(303);
        }
    }
}

async fn ask(browser: &Browser, method: &Method, path: &str) -> Answer {
    if method == Method::POST { browser.post(path, &form()).await } else { browser.get(path).await }
}

#[tokio::test]
async fn p7_filters_that_name_what_belongs_to_others_find_nothing() {
    let app = App::start().await;
    let receiver = Receiver::start().await;
    Browser::owner(&app).await;
    theirs::make_workspaces(&app).await;
    let oneself = colleague(&app, "oneself", &[("saggar", Role::Admin)]).await;
    let theirs = Theirs::make(&app, &receiver, &oneself).await;
    let outsider = colleague(&app, "outsider", &[("mine", Role::Owner)]).await;
    let pages = gatepost_ui::routes().into_iter().filter(|route| route.method == Method::GET);
    for page in pages.filter(|page| rule_of(page) == Rule::SignedIn && !page.path.contains('{')) {
        for query in theirs.queries() {
            let path = format!("{}?{query}", page.path);
            let answer = outsider.get(&path).await;
            assert!(answer.status < 500, "{path}: {}", answer.status);
            theirs.is_not_told_by(&answer, &query);
        }
    }
}

#[tokio::test]
async fn p7_a_delivery_of_a_workspace_of_others_stays_unseen_when_the_client_leaves_it() {
    let app = App::start().await;
    for name in ["mine", "theirs"] {
        app.workspace(name).await;
    }
    let receiver = Receiver::start().await;
    let new = NewClient {
        workspaces: vec![String::from("mine"), String::from("theirs")],
        webhook_urls: vec![receiver.url("/in")],
        methods: vec![String::from("task.create")],
        ..NewClient::named("Moved")
    };
    let client = app.client(new).await;
    let token = app.token(&client).await;
    let task = serde_json::json!({ "title": "Secret glaze" });
    let made = app.call("POST", "/v1.11/tasks", &token, Some("theirs"), Some(task)).await;
    assert!(made.status < 300, "{}", made.text());
    receiver.wait_for(1).await;
    let delivery = app.gatepost().list_deliveries(Default::default(), Default::default()).await.unwrap();
    let delivery = delivery[0].delivery.id.clone();
    Browser::owner(&app).await;
    let mine = colleague(&app, "half", &[("mine", Role::Owner)]).await;
    let change = gatepost_core::clients::ClientChange {
        workspaces: gatepost_core::clients::ListChange {
            remove: vec![String::from("theirs")],
            ..Default::default()
        },
        ..Default::default()
    };
    app.gatepost().update_client(&Actor::Cli, &client.id, change).await.unwrap();
    mine.get(&format!("/clients/{}", client.id)).await.with_status(200);
    mine.get(&format!("/deliveries/{delivery}")).await.with_status(404);
    mine.post(&format!("/deliveries/{delivery}/replay"), &[]).await.with_status(404);
    mine.post("/deliveries/chosen", &[("delivery", &delivery), ("act", "resend")]).await.with_status(404);
    let list = mine.get(&format!("/deliveries?client={}", client.id)).await.with_status(200).text();
    assert!(list.contains("No delivery matches."));
    let log = mine.get(&format!("/audit?subject={}", client.id)).await.text();
    assert!(!log.contains("theirs"), "{log}");
}
