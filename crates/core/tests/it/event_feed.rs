//! What a client fetches of what its webhooks tell.

use std::time::Duration;

use gatepost_core::Error;
use gatepost_core::event_feed::{After, EventPage};
use gatepost_core::retention::Retention;
use gatepost_model::{ApiClient, Timestamp, Workspace, ids};
use serde_json::Map;

use crate::support::{Deployment, START};

macro_rules! on_both_engines {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $case() {
                    super::$case(crate::support::Deployment::new().await).await;
                }
            )+
        }

        mod postgres {
            $(
                #[tokio::test]
                async fn $case() {
                    if let Some(deployment) = crate::support::Deployment::on_postgres().await {
                        super::$case(deployment).await;
                    }
                }
            )+
        }
    };
}

on_both_engines!(
    it_has_what_is_ticked_in_the_order_in_which_it_happened,
    who_waits_gets_the_next_event_at_once,
    who_waits_is_answered_when_the_node_stops,
    an_event_that_is_not_known_or_not_kept_is_no_place_to_go_on_from,
);

const FROM_THE_START: After = After::Time(Timestamp(0));

impl Deployment {
    async fn make(&self, path: &str, workspace: &Workspace, client: &ApiClient) {
        let entity = self.entity(path);
        self.gatepost.create_record(workspace.number, entity, Map::new(), client).await.unwrap();
    }

    async fn feed(&self, workspace: &Workspace, client: &ApiClient, after: After, limit: u32) -> EventPage {
        let nothing = Duration::ZERO;
        self.gatepost.event_feed(client, workspace.number, after, limit, nothing).await.unwrap()
    }

    /// All of the feed, once there is so much: another test's transaction on the same server may still be older.
    async fn whole_feed(&self, workspace: &Workspace, client: &ApiClient, number: usize) -> EventPage {
        loop {
            let page = self.feed(workspace, client, FROM_THE_START, 100).await;
            if page.events.len() >= number {
                return page;
            }
            tokio::task::yield_now().await;
        }
    }
}

async fn it_has_what_is_ticked_in_the_order_in_which_it_happened(deployment: Deployment) {
    let (shop, other) = (deployment.workspace("shop").await, deployment.workspace("other").await);
    let client = deployment.client(&shop, &["task.create"], 0).await;
    let foreign = deployment.client(&other, &["task.create"], 0).await;
    let empty = deployment.feed(&shop, &client, FROM_THE_START, 10).await;
    assert_eq!(empty, EventPage { events: Vec::new(), next: None, has_more: false });

    for step in 0..6 {
        // The clock of the second half was put back by an hour.
        if step == 3 {
            deployment.clock.set(START.minus(Duration::from_secs(3600)));
        }
        deployment.make("tasks", &shop, &client).await;
        deployment.make("invoices", &shop, &client).await;
        deployment.make("tasks", &other, &foreign).await;
    }
    let all = deployment.whole_feed(&shop, &client, 6).await;
    assert_eq!((all.events.len(), all.has_more), (6, false));
    assert!(all.events.iter().all(|event| event.method.as_str() == "task.create"));
    assert!(all.events.is_sorted_by(|one, next| one.id < next.id), "whatever the clock does");

    let mut read = Vec::new();
    let mut after = FROM_THE_START;
    loop {
        let page = deployment.feed(&shop, &client, after, 3).await;
        read.extend(page.events);
        after = After::Event(page.next.unwrap());
        if !page.has_more {
            break;
        }
    }
    assert_eq!(read, all.events);
    let end = deployment.feed(&shop, &client, after.clone(), 3).await;
    assert_eq!((end.events.len(), end.next.map(After::Event)), (0, Some(after)), "it goes on from there");
}

async fn who_waits_gets_the_next_event_at_once(deployment: Deployment) {
    let shop = deployment.workspace("shop").await;
    let client = deployment.client(&shop, &["task.create"], 0).await;
    let wait = Duration::from_secs(25);
    let waiting = deployment.gatepost.event_feed(&client, shop.number, FROM_THE_START, 10, wait);
    let (page, ()) = tokio::join!(waiting, async {
        tokio::task::yield_now().await;
        deployment.make("invoices", &shop, &client).await;
        deployment.make("tasks", &shop, &client).await;
    });
    let page = page.unwrap();
    assert_eq!(page.events.len(), 1, "what is not ticked ends no wait");
    assert_eq!(page.next.as_ref(), Some(&page.events[0].id));
}

async fn who_waits_is_answered_when_the_node_stops(deployment: Deployment) {
    let shop = deployment.workspace("shop").await;
    let client = deployment.client(&shop, &["task.create"], 0).await;
    let wait = Duration::from_secs(25);
    let waiting = deployment.gatepost.event_feed(&client, shop.number, FROM_THE_START, 10, wait);
    let before = tokio::time::Instant::now();
    let (page, ()) = tokio::join!(waiting, async {
        tokio::task::yield_now().await;
        deployment.gatepost.end_waiting();
    });
    assert!(page.unwrap().events.is_empty());
    assert!(before.elapsed() < wait, "it was not waited to the end");
}

async fn an_event_that_is_not_known_or_not_kept_is_no_place_to_go_on_from(deployment: Deployment) {
    let shop = deployment.workspace("shop").await;
    let client = deployment.client(&shop, &["task.create"], 0).await;
    let problem_after = async |at: Timestamp| {
        let after = After::Event(ids::sortable_floor(ids::EVENT, at));
        match deployment.gatepost.event_feed(&client, shop.number, after, 10, Duration::ZERO).await {
            Err(Error::Invalid { field: "after", problem }) => problem,
            other => panic!("{other:?}"),
        }
    };
    assert!(problem_after(START).await.contains("no such event in this workspace"));
    let oldest = START.minus(Retention::default().events);
    let problem = problem_after(oldest.minus(Duration::from_secs(60))).await;
    assert!(problem.contains(&format!("since={}", oldest.iso())), "{problem}");
}
