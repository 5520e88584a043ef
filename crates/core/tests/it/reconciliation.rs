//! The account of what became of events.

use std::time::Duration;

use gatepost_core::reconciliation::Standing;
use gatepost_model::DeliveryState;
use gatepost_store::tables::deliveries::{self, Progress};
use serde_json::{Map, Value, json};

use crate::support::{Deployment, START};

#[tokio::test]
async fn on_sqlite() {
    the_numbers_add_up(Deployment::new().await).await;
}

#[tokio::test]
async fn on_postgres() {
    if let Some(deployment) = Deployment::on_postgres().await {
        the_numbers_add_up(deployment).await;
    }
}

/// Over two days three events of a method that is sent to two URLs, and one that nobody gets; one delivery is taken.
async fn the_numbers_add_up(deployment: Deployment) {
    let gatepost = &deployment.gatepost;
    let workspace = deployment.workspace("shop").await;
    let client = deployment.client(&workspace, &["task.create"], 2).await;
    let tasks = deployment.entity("tasks");
    let title = || Map::from_iter([(String::from("title"), json!("Glaze"))]);
    let mut id = String::new();
    for _ in 0..3 {
        deployment.clock.advance(Duration::from_secs(12 * 60 * 60));
        let made = gatepost.create_record(workspace.number, tasks, title(), &client).await.unwrap();
        let made: Value = serde_json::from_str(&made).unwrap();
        made["_id"].as_str().unwrap().clone_into(&mut id);
    }
    deployment.clock.advance(Duration::from_secs(12 * 60 * 60));
    let _ = gatepost.update_records(workspace.number, tasks, vec![id], title(), &client).await.unwrap();
    let taken = deployment.deliveries().await.remove(0);
    let now = gatepost.now();
    let progress = Progress {
        id: taken.id,
        workspace: taken.workspace,
        fence: deliveries::FIRST_FENCE,
        state: DeliveryState::Delivered,
        reason: None,
        attempts: 1,
        due_at: now,
        ended_at: Some(now),
        attempt: None,
    };
    assert_eq!(gatepost.store().write(move |tx| deliveries::record(tx, &progress)).await, Ok(true));
    deployment.clock.advance(Duration::from_secs(1));

    let account = gatepost.reconcile(START).await.unwrap();
    assert_eq!((account.events, account.matched, account.unmatched()), (4, 3, 1));
    assert_eq!(account.deliveries, Standing { delivered: 1, pending: 5, ..Standing::default() });
    assert_eq!((account.deliveries.made(), account.sent_again.made()), (6, 0));

    let latest = gatepost.reconcile(START.plus(Duration::from_secs(36 * 60 * 60))).await.unwrap();
    assert_eq!((latest.events, latest.deliveries.made()), (2, 2), "the third event and the fourth");
}
