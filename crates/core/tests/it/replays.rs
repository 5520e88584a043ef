//! Replays: what is sent once more and what is not, how many at a time, and what a crash leaves.

use std::collections::BTreeSet;
use std::time::Duration;

use gatepost_core::clients::{ClientChange, ListChange};
use gatepost_core::replays::{MOST_PENDING, NewReplay, Shown};
use gatepost_core::{Actor, Error};
use gatepost_model::replay::{ReplayState, Replayed};
use gatepost_model::webhook::Delivery;
use gatepost_model::{ApiClient, DeliveryState, Timestamp, Workspace};
use gatepost_store::tables::deliveries::{self, Progress};
use gatepost_store::tables::replays::{self, Made, Step};
use gatepost_store::tables::webhook_urls;
use serde_json::{Map, Value};

use crate::support::{Deployment, START};

macro_rules! on_both_engines {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $case() {
                    super::$case(super::Shop::on(crate::support::Deployment::new().await).await).await;
                }
            )+
        }

        mod postgres {
            $(
                #[tokio::test]
                async fn $case() {
                    if let Some(deployment) = crate::support::Deployment::on_postgres().await {
                        super::$case(super::Shop::on(deployment).await).await;
                    }
                }
            )+
        }
    };
}

on_both_engines!(
    each_failed_delivery_of_the_span_is_sent_once_more_and_no_other,
    few_are_pending_at_a_time_and_none_is_left_out,
    a_crash_between_two_steps_loses_and_repeats_nothing,
    what_was_sent_again_meanwhile_is_left_out,
    all_means_each_event_once,
    it_is_paused_resumed_and_called_off,
    it_stops_where_nobody_gets_anything,
    what_is_no_longer_kept_is_left_out,
    what_makes_no_sense_is_refused,
);

const MINUTE: Duration = Duration::from_secs(60);

/// A client with two webhook URLs, whose deliveries the test ends as it likes.
struct Shop {
    deployment: Deployment,
    workspace: Workspace,
    client: ApiClient,
}

impl Shop {
    async fn on(deployment: Deployment) -> Self {
        let workspace = deployment.workspace("shop").await;
        let client = deployment.client(&workspace, &["task.create"], 2).await;
        Self { deployment, workspace, client }
    }

    fn url(&self, number: usize) -> &str {
        &self.client.webhook_urls[number].id
    }

    /// Makes so many events, a minute later, and ends their deliveries: to the first URL so, to the second one well.
    async fn send(&mut self, number: usize, end: DeliveryState) {
        self.deployment.clock.advance(MINUTE);
        let entity = self.deployment.entity("tasks").clone();
        for _ in 0..number {
            let fields = Map::from_iter([(String::from("title"), Value::from("Glaze"))]);
            let gatepost = &self.deployment.gatepost;
            gatepost.create_record(self.workspace.number, &entity, fields, &self.client).await.unwrap();
        }
        let first = self.url(0).to_owned();
        let ended: Vec<Progress> = self
            .deployment
            .handed_over()
            .into_iter()
            .filter_map(|claimed| {
                let state = if claimed.url_id == first { end } else { DeliveryState::Delivered };
                let now = self.deployment.gatepost.now();
                (state != DeliveryState::Pending).then_some(Progress {
                    id: claimed.id,
                    workspace: claimed.workspace,
                    fence: claimed.fence,
                    state,
                    reason: None,
                    attempts: 1,
                    due_at: now,
                    ended_at: Some(now),
                    attempt: None,
                })
            })
            .collect();
        self.record(ended).await;
    }

    async fn record(&self, ended: Vec<Progress>) {
        let all = self
            .deployment
            .gatepost
            .store()
            .write(move |tx| deliveries::record_all(tx, &ended.iter().collect::<Vec<_>>()));
        assert!(all.await.unwrap().into_iter().all(|held| held));
    }

    /// Ends everything that is due.
    async fn end_due(&self, state: DeliveryState) -> usize {
        let now = self.deployment.gatepost.now();
        let store = self.deployment.gatepost.store();
        let claimed =
            store.write(move |tx| deliveries::claim(tx, now, now.plus(MINUTE), 10_000)).await.unwrap();
        let ended = claimed.into_iter().map(|claimed| Progress {
            id: claimed.id,
            workspace: claimed.workspace,
            fence: claimed.fence,
            state,
            reason: None,
            attempts: 1,
            due_at: now,
            ended_at: Some(now),
            attempt: None,
        });
        let ended: Vec<Progress> = ended.collect();
        let number = ended.len();
        self.record(ended).await;
        number
    }

    fn wanted(&self, which: Replayed) -> NewReplay {
        NewReplay { url: Some(self.url(0).to_owned()), since: START, until: None, method: None, which }
    }

    async fn start(&self, which: Replayed) -> Shown {
        self.deployment.clock.advance(MINUTE);
        let gatepost = &self.deployment.gatepost;
        gatepost.start_replay(&Actor::Cli, &self.client.id, self.wanted(which)).await.unwrap()
    }

    /// Does what is due now, step by step.
    async fn work(&self) {
        while self.deployment.gatepost.work_on_replays().await.unwrap() == Duration::ZERO {}
    }

    /// Works until there is nothing more to do, while all that is sent arrives.
    async fn work_off(&self, id: &str) -> Shown {
        for _ in 0..1_000 {
            self.work().await;
            self.end_due(DeliveryState::Delivered).await;
            let shown = self.deployment.gatepost.show_replay(id).await.unwrap();
            if shown.replay.state != ReplayState::Running {
                return shown;
            }
            self.deployment.clock.advance(Duration::from_secs(3));
        }
        panic!("the replay never ends");
    }

    /// Deliveries that the replay made.
    async fn made(&self, id: &str) -> Vec<Delivery> {
        let mut all = self.deployment.deliveries().await;
        all.retain(|delivery| delivery.replay_id.as_deref() == Some(id));
        all
    }

    /// Deliveries to the first URL that ended so and that no replay made.
    async fn ended(&self, state: DeliveryState) -> Vec<Delivery> {
        let mut all = self.deployment.deliveries().await;
        all.retain(|delivery| {
            delivery.url_id == self.url(0) && delivery.state == state && delivery.replay_id.is_none()
        });
        all
    }
}

fn ids<'d>(deliveries: &'d [Delivery], id: impl Fn(&'d Delivery) -> &'d str) -> BTreeSet<&'d str> {
    deliveries.iter().map(id).collect()
}

async fn each_failed_delivery_of_the_span_is_sent_once_more_and_no_other(mut shop: Shop) {
    shop.send(2, DeliveryState::Failed).await;
    let since = shop.deployment.gatepost.now().plus(MINUTE);
    shop.send(5, DeliveryState::Failed).await;
    shop.send(3, DeliveryState::Delivered).await;
    shop.send(2, DeliveryState::Skipped).await;
    shop.send(1, DeliveryState::Pending).await;
    shop.deployment.clock.advance(MINUTE);
    let wanted = NewReplay { since, ..shop.wanted(Replayed::Failed) };
    let started = shop.deployment.gatepost.start_replay(&Actor::Cli, &shop.client.id, wanted).await.unwrap();
    let id = &started.replay.id;
    let done = shop.work_off(id).await.replay;
    assert_eq!((done.state, done.progress.counted, done.progress.made), (ReplayState::Done, 5, 5));
    assert!(done.progress.is_counted && done.ended_at.is_some());
    let (made, failed) = (shop.made(id).await, shop.ended(DeliveryState::Failed).await);
    let of_span: Vec<Delivery> = failed.into_iter().filter(|delivery| delivery.created_at >= since).collect();
    let replayed = ids(&made, |delivery| delivery.replay_of.as_deref().unwrap());
    assert_eq!(replayed, ids(&of_span, |delivery| &delivery.id));
    assert_eq!(ids(&made, |delivery| &delivery.event_id), ids(&of_span, |delivery| &delivery.event_id));
    assert!(made.iter().all(|delivery| delivery.state == DeliveryState::Delivered));
    let entries = shop.deployment.gatepost.list_audit(Some(shop.client.id.clone()), Default::default());
    let entries = entries.await.unwrap();
    assert!(entries.iter().any(|entry| entry.action == "replay.start" && entry.after.is_some()));
}

async fn few_are_pending_at_a_time_and_none_is_left_out(mut shop: Shop) {
    let most = MOST_PENDING as usize;
    shop.send(2 * most + 5, DeliveryState::Failed).await;
    let id = shop.start(Replayed::Failed).await.replay.id;
    let (mut pending, mut running) = (Vec::new(), Vec::new());
    for _ in 0..6 {
        shop.work().await;
        // Whatever becomes of time: what does not end makes no room.
        shop.deployment.clock.advance(MINUTE);
        shop.work().await;
        let made = shop.made(&id).await;
        running.push(shop.deployment.gatepost.replays_running());
        pending.push(made.iter().filter(|delivery| delivery.state == DeliveryState::Pending).count());
        assert_eq!(shop.end_due(DeliveryState::Delivered).await, *pending.last().unwrap());
        shop.deployment.clock.advance(MINUTE);
    }
    assert_eq!(pending, [most, most, 5, 0, 0, 0]);
    let done = shop.deployment.gatepost.show_replay(&id).await.unwrap();
    assert_eq!((done.replay.state, done.replay.progress.made), (ReplayState::Done, 2 * most as u64 + 5));
    assert_eq!((done.pending, running), (0, vec![1, 1, 0, 0, 0, 0]));
}

async fn a_crash_between_two_steps_loses_and_repeats_nothing(mut shop: Shop) {
    shop.send(MOST_PENDING as usize + 20, DeliveryState::Failed).await;
    let id = shop.start(Replayed::Failed).await.replay.id;
    let gatepost = &shop.deployment.gatepost;
    let claim = || {
        let now = gatepost.now();
        gatepost.store().write(move |tx| replays::claim(tx, now, now.plus(MINUTE)))
    };
    // One that is counting dies with the replay in its hands.
    assert!(claim().await.unwrap().is_some());
    shop.work().await;
    assert_eq!(shop.made(&id).await, [], "it is leased");
    shop.deployment.clock.advance(2 * MINUTE);
    // Two steps, of which the second makes deliveries.
    for _ in 0..2 {
        assert_eq!(gatepost.work_on_replays().await.unwrap(), Duration::ZERO);
    }
    assert_eq!(shop.made(&id).await.len(), MOST_PENDING as usize);
    shop.end_due(DeliveryState::Delivered).await;
    shop.deployment.clock.advance(MINUTE);
    // One that makes deliveries stalls for longer than its lease, and comes back after another one has gone on.
    let stalled = claim().await.unwrap().unwrap();
    shop.deployment.clock.advance(2 * MINUTE);
    let done = shop.work_off(&id).await;
    assert_eq!(done.replay.state, ReplayState::Done);
    let late = shop.made(&id).await[0].clone();
    let step = Step {
        replayed_to: stalled.replayed_to.clone(),
        made: vec![Made {
            id: String::from("dlv_late"),
            of: replays::Candidate {
                id: late.id,
                workspace: late.workspace,
                event_id: String::from("evt_other"),
                method: late.method,
            },
        }],
        again: 0,
        gone: 0,
        is_last: false,
        due_at: gatepost.now(),
    };
    let now = gatepost.now();
    let held = gatepost.store().write(move |tx| replays::record_step(tx, &stalled, &step, now)).await;
    assert_eq!(held, Ok(false));

    let (made, failed) = (shop.made(&id).await, shop.ended(DeliveryState::Failed).await);
    assert_eq!(made.len(), failed.len(), "one for each");
    let replayed = ids(&made, |delivery| delivery.replay_of.as_deref().unwrap());
    assert_eq!(replayed, ids(&failed, |delivery| &delivery.id));
}

async fn what_was_sent_again_meanwhile_is_left_out(mut shop: Shop) {
    shop.send(3, DeliveryState::Failed).await;
    let failed = shop.ended(DeliveryState::Failed).await;
    let gatepost = &shop.deployment.gatepost;
    // The first one was sent again and arrived, the second one failed once more.
    for (delivery, end) in failed.iter().zip([DeliveryState::Delivered, DeliveryState::Failed]) {
        shop.deployment.clock.advance(MINUTE);
        gatepost.replay_delivery(&Actor::Cli, &delivery.id).await.unwrap();
        shop.end_due(end).await;
    }
    let id = shop.start(Replayed::Failed).await.replay.id;
    let progress = shop.work_off(&id).await.replay.progress;
    assert_eq!((progress.counted, progress.made, progress.again), (4, 2, 2));
    assert_eq!(progress.done(), progress.counted);
    let made = shop.made(&id).await;
    let events = ids(&made, |delivery| &delivery.event_id);
    assert_eq!(events, ids(&failed[1..], |delivery| &delivery.event_id));
}

async fn all_means_each_event_once(mut shop: Shop) {
    shop.send(2, DeliveryState::Delivered).await;
    shop.send(1, DeliveryState::Failed).await;
    let gatepost = &shop.deployment.gatepost;
    let delivered = shop.ended(DeliveryState::Delivered).await;
    shop.deployment.clock.advance(MINUTE);
    gatepost.replay_delivery(&Actor::Cli, &delivered[0].id).await.unwrap();
    shop.end_due(DeliveryState::Delivered).await;
    let id = shop.start(Replayed::All).await.replay.id;
    let progress = shop.work_off(&id).await.replay.progress;
    assert_eq!((progress.counted, progress.made, progress.again), (4, 3, 1));
}

async fn it_is_paused_resumed_and_called_off(mut shop: Shop) {
    let most = MOST_PENDING as usize;
    shop.send(most + 10, DeliveryState::Failed).await;
    let id = shop.start(Replayed::Failed).await.replay.id;
    let gatepost = &shop.deployment.gatepost;
    let paused = gatepost.pause_replay(&Actor::Cli, &id).await.unwrap();
    assert_eq!(paused.replay.state, ReplayState::Paused);
    shop.work().await;
    assert_eq!(shop.made(&id).await, []);
    assert!(matches!(gatepost.pause_replay(&Actor::Cli, &id).await, Err(Error::Conflict(_))));
    gatepost.resume_replay(&Actor::Cli, &id).await.unwrap();
    shop.work().await;
    assert_eq!(shop.made(&id).await.len(), most);
    let cancelled = gatepost.cancel_replay(&Actor::Cli, &id).await.unwrap();
    assert!(cancelled.replay.state == ReplayState::Cancelled && cancelled.replay.ended_at.is_some());
    shop.end_due(DeliveryState::Delivered).await;
    shop.deployment.clock.advance(MINUTE);
    shop.work().await;
    assert_eq!(shop.made(&id).await.len(), most, "what it made stays, and nothing more is made");
    assert!(matches!(gatepost.resume_replay(&Actor::Cli, &id).await, Err(Error::Conflict(_))));
    assert!(matches!(gatepost.cancel_replay(&Actor::Cli, "rpl_none").await, Err(Error::NotFound { .. })));
    let nobody = Actor::Unknown([203, 0, 113, 9].into());
    assert!(matches!(gatepost.resume_replay(&nobody, &id).await, Err(Error::NotFound { .. })));
    // After its end there may be another one.
    shop.start(Replayed::Failed).await;
}

async fn it_stops_where_nobody_gets_anything(mut shop: Shop) {
    shop.send(2, DeliveryState::Failed).await;
    let id = shop.start(Replayed::Failed).await.replay.id;
    let gatepost = &shop.deployment.gatepost;
    let (number, url) = (shop.client.number, shop.url(0).to_owned());
    let disabled = gatepost.store().write(move |tx| webhook_urls::disable(tx, number, &url, "gone"));
    disabled.await.unwrap();
    shop.work().await;
    let shown = gatepost.show_replay(&id).await.unwrap().replay;
    assert_eq!(
        (shown.state, shown.reason.as_deref()),
        (ReplayState::Paused, Some("the webhook URL is disabled"))
    );
    assert!(matches!(gatepost.resume_replay(&Actor::Cli, &id).await, Err(Error::Conflict(_))));
    let webhook_urls = ListChange { remove: vec![shop.url(0).to_owned()], ..ListChange::default() };
    let change = ClientChange { webhook_urls, ..ClientChange::default() };
    gatepost.update_client(&Actor::Cli, &shop.client.id, change).await.unwrap();
    assert!(matches!(gatepost.resume_replay(&Actor::Cli, &id).await, Err(Error::Conflict(_))));
    assert_eq!(shop.made(&id).await, []);
}

async fn what_is_no_longer_kept_is_left_out(mut shop: Shop) {
    shop.send(3, DeliveryState::Failed).await;
    shop.deployment.clock.advance(shop.deployment.gatepost.settings().retention.events);
    shop.send(1, DeliveryState::Failed).await;
    let id = shop.start(Replayed::Failed).await.replay.id;
    let progress = shop.work_off(&id).await.replay.progress;
    assert_eq!((progress.made, progress.gone), (1, 3));
    // The replay itself goes with the deliveries of its day.
    shop.deployment.clock.advance(shop.deployment.gatepost.settings().retention.deliveries);
    shop.deployment.clock.advance(Duration::from_secs(48 * 3600));
    shop.deployment.gatepost.apply_retention(Duration::ZERO).await.unwrap();
    assert!(matches!(shop.deployment.gatepost.show_replay(&id).await, Err(Error::NotFound { .. })));
}

async fn what_makes_no_sense_is_refused(mut shop: Shop) {
    shop.send(1, DeliveryState::Failed).await;
    shop.deployment.clock.advance(MINUTE);
    let gatepost = &shop.deployment.gatepost;
    let start = |new: NewReplay| gatepost.start_replay(&Actor::Cli, &shop.client.id, new);
    let wanted = shop.wanted(Replayed::Failed);
    for new in [
        NewReplay { url: None, ..wanted.clone() },
        NewReplay { url: Some(String::from("https://elsewhere.example/")), ..wanted.clone() },
        NewReplay { since: gatepost.now().plus(MINUTE), ..wanted.clone() },
        NewReplay { since: START.plus(MINUTE), until: Some(START), ..wanted.clone() },
        NewReplay { until: Some(Timestamp::EPOCH), ..wanted.clone() },
    ] {
        assert!(matches!(start(new.clone()).await, Err(Error::Invalid { .. })), "{new:?}");
    }
    let by_name = NewReplay { url: Some(shop.client.webhook_urls[0].url.clone()), ..wanted.clone() };
    start(by_name).await.unwrap();
    let second = start(wanted).await.unwrap_err().to_string();
    assert!(second.contains("has not come to its end"), "{second}");
}
