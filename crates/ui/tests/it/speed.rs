//! What pages cost when much is stored. `docs/performance.md` says how to measure with 10,000 clients and 1,000,000
//! deliveries; what every run checks is that a page's work does not grow with what is stored and not shown.

use std::fmt::Write as _;
use std::time::Duration;

use gatepost_core::{Page, delivery_log};
use gatepost_model::{Role, User};
use gatepost_testkit::{App, Bulk};
use http::Method;
use tokio::time::Instant;

use crate::support::{BASE, Browser, colleague};
use crate::theirs::Theirs;

/// `clients,deliveries`: prints how long each page takes with so many, for two people.
const SIZE: &str = "GATEPOST_TEST_PAGES";

/// Thousands of steps that looking at the 10,000 newest rows takes, which is what a page does where no index answers. A look
/// at all deliveries, audit entries or refused requests of the test takes more.
const LOOKED_AT: u64 = 200;

/// Round trips to PostgreSQL that others may make meanwhile: nodes look for changes and for what is due.
const ASKED: u64 = 50;

/// Times that each page is asked for.
const TIMES: usize = 20;

/// No page may take longer on a release build (`ui.md` 8).
const LIMIT: Duration = Duration::from_millis(100);

/// One whom everything belongs to, and one who sees a single workspace of many.
struct Loaded {
    app: App,
    all: Browser,
    one: Browser,
    /// Of the client that has a tenth of everything.
    theirs: Theirs,
}

async fn loaded(bulk: Bulk) -> Loaded {
    let app = App::start().await;
    let all = Browser::owner(&app).await;
    let owner = app.gatepost().lookup_user(crate::support::EMAIL).await.unwrap().unwrap();
    bulk.load(&app, &owner.id).await;
    let one = colleague(&app, "aiko", &[("workspace-2", Role::Admin)]).await;
    let theirs = of_the_busiest(&app, &owner).await;
    Loaded { app, all, one, theirs }
}

async fn of_the_busiest(app: &App, owner: &User) -> Theirs {
    let gatepost = app.gatepost();
    let client = gatepost.list_clients(gatepost_model::ClientNumber(0), 1).await.unwrap().remove(0);
    let page = Page { before: None, limit: 1 };
    let of_client = delivery_log::Wanted { client: Some(client.id.clone()), ..Default::default() };
    let delivery = gatepost.list_deliveries(of_client, page).await.unwrap().remove(0).delivery.id;
    let wanted = gatepost_core::requests::Wanted { client: client.id.clone(), ..Default::default() };
    let page = Page { before: None, limit: 1 };
    let refused = gatepost.list_refusals(owner, wanted, gatepost_model::Timestamp(0), page).await.unwrap();
    Theirs {
        url: client.webhook_urls[0].id.clone(),
        client: client.id,
        delivery,
        request: refused.rows[0].id.clone(),
        workspace: String::from("workspace-2"),
        person: owner.id.clone(),
        ..Theirs::absent()
    }
}

impl Loaded {
    /// Every page that shows something, with the filters that people use.
    fn pages(&self) -> Vec<String> {
        let routes = gatepost_ui::routes().into_iter().filter(|route| route.method == Method::GET);
        // The export is no page: it reads all that is asked for, up to its bound.
        let skipped =
            ["/assets/", "/set-up/", "/invitation/", "/password/", "/help/api-reference/", "/audit/export"];
        let routes = routes.filter(|route| !skipped.iter().any(|part| route.path.contains(part)));
        let mut pages: Vec<_> = routes.map(|route| self.theirs.path(&route.path)).collect();
        let client = &self.theirs.client;
        pages.extend(
            [
                "?search=client+77",
                "?search=receiver-77",
                "?workspace=workspace-2&sort=used",
                "/deliveries?state=failed",
                "/deliveries?state=pending",
                "/deliveries?state=cancelled",
                "/requests?check=workspace",
                "/requests?check=address",
                "/clients-by-workspace?search=client+9",
            ]
            .map(|query| format!("{BASE}{query}")),
        );
        pages.extend(
            [
                "/deliveries?client=",
                "/deliveries?state=cancelled&client=",
                "/requests?client=",
                "/audit?subject=",
            ]
            .map(|query| format!("{BASE}{query}{client}")),
        );
        pages
    }

    /// What a page costs the database: thousands of SQLite's steps, and what it asks PostgreSQL for.
    async fn cost(&self, browser: &Browser, page: &str) -> (u64, u64) {
        let before = self.app.gatepost().store().metrics();
        let status = browser.get(page).await.status;
        assert!(status < 500, "{page}: {status}");
        let after = self.app.gatepost().store().metrics();
        (after.read_kilosteps - before.read_kilosteps, after.round_trips - before.round_trips)
    }
}

#[tokio::test]
async fn no_page_costs_more_the_more_is_stored_that_it_does_not_show() {
    let small = loaded(Bulk { workspaces: 12, clients: 120, deliveries: 4_000 }).await;
    let large = loaded(Bulk { workspaces: 12, clients: 120, deliveries: 40_000 }).await;
    let mut wrong = String::new();
    for (page, same) in small.pages().iter().zip(large.pages()) {
        for (who, before, after) in [("all", &small.all, &large.all), ("one", &small.one, &large.one)] {
            let (before, after) = (small.cost(before, page).await, large.cost(after, &same).await);
            if after.0 > (before.0 + before.0 / 2).max(LOOKED_AT) {
                writeln!(wrong, "{same}, {who}: {} then {} thousand steps", before.0, after.0).unwrap();
            }
            if after.1 > before.1 + before.1 / 2 + ASKED {
                writeln!(wrong, "{same}, {who}: {} then {} round trips", before.1, after.1).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "ten times the rows must not cost more:\n{wrong}");
}

/// Prints a table, for `docs/performance.md`.
#[tokio::test]
async fn pages_are_measured_at_the_size_that_is_asked_for() {
    let Ok(size) = std::env::var(SIZE) else { return };
    let (clients, deliveries) = size.split_once(',').expect("GATEPOST_TEST_PAGES=clients,deliveries");
    let bulk =
        Bulk { workspaces: 100, clients: clients.parse().unwrap(), deliveries: deliveries.parse().unwrap() };
    let begun = Instant::now();
    let loaded = loaded(bulk).await;
    println!(
        "stored in {} s\n\n| page | who | median ms | max ms | steps, thousand |\n|---|---|---|---|---|",
        begun.elapsed().as_secs()
    );
    let mut slow = Vec::new();
    for page in loaded.pages() {
        for (who, browser) in [("all", &loaded.all), ("one", &loaded.one)] {
            let (steps, _) = loaded.cost(browser, &page).await;
            let mut times = Vec::new();
            for _ in 0..TIMES {
                let begun = Instant::now();
                browser.get(&page).await;
                times.push(begun.elapsed());
            }
            times.sort();
            let shown = shown(&page);
            let (median, most) = (millis(times[TIMES / 2]), millis(times[TIMES - 1]));
            println!("| {shown} | {who} | {median} | {most} | {steps} |");
            if times[TIMES / 2] > LIMIT {
                slow.push(format!("{shown}, {who}: {median} ms"));
            }
        }
    }
    assert!(slow.is_empty(), "over {} ms:\n{}", LIMIT.as_millis(), slow.join("\n"));
}

/// The path without what makes it about this thing or that one.
fn shown(page: &str) -> String {
    let page = page.trim_start_matches(BASE);
    let parts = page.split_inclusive(['/', '=', '&', '?']);
    let part = |part: &str| match part.split_once('_') {
        Some((kind, _)) if kind.len() == 3 => format!(
            "…{}",
            part.chars().last().filter(|c| "/&".contains(*c)).map(String::from).unwrap_or_default()
        ),
        _ => part.to_owned(),
    };
    parts.map(part).collect()
}

fn millis(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}
