//! Replays: sending once more what was sent, or should have been, to a webhook URL in a span of time.
//!
//! A replay is a row that any node works off in steps: [`Gatepost::work_on_replays`] does one. Each step reads what comes next, and
//! in one short transaction makes the deliveries and writes down how far the replay is, so that a crash between two steps loses and
//! repeats nothing. What a replay makes are deliveries like all others: due at once, sent with the event's own `webhook-id`, and with
//! consent asked again at that moment. Only [`MOST_PENDING`] of them are pending for a webhook URL at a time, so that live deliveries
//! go on as before (docs/adr/0010-replays.md).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gatepost_model::replay::{Replay, ReplayProgress, ReplayScope, ReplayState, Replayed};
use gatepost_model::{ApiClient, ClientStatus, Method, Timestamp, UrlState, User, WebhookUrl, ids};
use gatepost_store::tables::replays::{self, Candidate, Candidates, Claimed, Made, Step};
use gatepost_store::tables::{Page, clients};
use gatepost_store::{StoreError, Tx};
use serde_json::{Value, json};

use crate::access::load_managed;
use crate::audit::Note;
use crate::{Actor, Error, Gatepost};

/// So many deliveries that replays made are pending for one webhook URL at most: fewer than two rounds of what is on the wire to a
/// URL, which a live delivery waits for at most.
pub const MOST_PENDING: u32 = 48;

/// So many deliveries are looked at in a step that makes some,
const LOOKED_AT: u32 = 500;
/// in one that counts them,
const COUNTED: u32 = 5_000;
/// and before a replay is started.
const PREVIEWED: u32 = 20_000;

/// How long a step holds its replay: longer than any step takes.
const LEASE: Duration = Duration::from_secs(30);
/// Between two steps of a replay that goes on.
const PAUSE: Duration = Duration::from_millis(200);
/// Until a replay for which there is no room is looked at again.
const PAUSE_WITHOUT_ROOM: Duration = Duration::from_secs(2);
/// How often replays are looked for at least: another node may have started one.
const POLL: Duration = Duration::from_secs(1);

/// What is to be replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReplay {
    /// The webhook URL, by its id or as it is written; none if the client has one only.
    pub url: Option<String>,
    /// What was made at this moment or later.
    pub since: Timestamp,
    /// What was made before this moment; none for now.
    pub until: Option<Timestamp>,
    /// What tells of this method; none for all.
    pub method: Option<Method>,
    /// In which states.
    pub which: Replayed,
}

/// What a replay would do.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The URL that gets the deliveries.
    pub url: WebhookUrl,
    /// How many deliveries are in its scope, among those that were looked at.
    pub found: u64,
    /// Whether there may be more.
    pub may_be_more: bool,
}

/// A replay with what people need beside it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The replay.
    pub replay: Replay,
    /// Its client, while that exists.
    pub client: Option<Arc<ApiClient>>,
    /// The URL, while the client has it.
    pub url: Option<String>,
    /// How many deliveries that replays made for the URL are pending.
    pub pending: u32,
}

/// Why a step makes nothing.
enum Hindrance {
    /// There is no room for more, or the URL is paused.
    Wait,
    /// A person must do something first.
    Pause(&'static str),
    /// There is nobody to send to any more.
    Cancel(&'static str),
}

impl Gatepost {
    /// What a replay would do, for a user who manages the client.
    ///
    /// # Errors
    /// If the client or the URL does not exist for them, the span is none, or the store fails.
    pub async fn preview_replay(&self, user: &User, client: &str, new: &NewReplay) -> Result<Preview, Error> {
        let client = self.managed_client(user, client).await?;
        let scope = scope(&client, new, self.now())?;
        let url = chosen_url(&client, new)?.clone();
        let found = self.store.read(move |tx| {
            let first = replays::before(scope.since);
            replays::list_candidates(tx, &scope, &first, PREVIEWED)
        });
        let Candidates { found, may_be_more, .. } = found.await?;
        let events: BTreeSet<_> = found.iter().map(|candidate| &candidate.event_id).collect();
        Ok(Preview { url, found: u64::try_from(events.len()).unwrap_or(u64::MAX), may_be_more })
    }

    /// Starts a replay.
    ///
    /// # Errors
    /// If the client or the URL does not exist for the actor, the span is none, the URL gets nothing or a replay already, or the
    /// store fails.
    pub async fn start_replay(
        self: &Arc<Self>,
        actor: &Actor,
        client: &str,
        new: NewReplay,
    ) -> Result<Shown, Error> {
        let now = self.now();
        let id = ids::sortable(ids::REPLAY, now, &*self.random);
        let (this, actor, client) = (Arc::clone(self), actor.clone(), client.to_owned());
        let replay = self.store.write(move |tx| {
            let client = load_managed(tx, &actor, &client)?;
            let scope = scope(&client, &new, now)?;
            check_may_begin(tx, &client, chosen_url(&client, &new)?)?;
            let replay = Replay {
                id: id.clone(),
                scope,
                state: ReplayState::Running,
                reason: None,
                progress: ReplayProgress::default(),
                created_by: actor.to_string(),
                created_at: now,
                ended_at: None,
            };
            // Whoever replays says that the receiver is mended: it is tried at once, not at the time of its next probe.
            this.handover.no_room().mend_circuit(&replay.scope.url_id);
            replays::insert(tx, &replay)?;
            let after = audited(&replay);
            this.note(
                tx,
                now,
                &Note {
                    actor: &actor,
                    action: "replay.start",
                    subject_id: &client.id,
                    before: None,
                    after: Some(&after),
                },
            )?;
            Ok::<_, Error>(replay)
        });
        let replay = replay.await?;
        self.shown_replay(replay).await
    }

    /// Replays, newest first; of one client if one is named.
    ///
    /// # Errors
    /// If the client does not exist, or the store fails.
    pub async fn list_replays(&self, client: Option<&str>, page: Page) -> Result<Vec<Shown>, Error> {
        let number = match client {
            Some(id) => Some(self.get_client(id).await?.number),
            None => None,
        };
        let found = self.store.read(move |tx| replays::list(tx, number, &page)).await?;
        let mut shown = Vec::with_capacity(found.len());
        for replay in found {
            shown.push(self.shown_replay(replay).await?);
        }
        Ok(shown)
    }

    /// The newest replays of clients that `user` manages; of one client if one is named.
    ///
    /// # Errors
    /// If the client does not exist for them, or the store fails.
    pub async fn replays_seen_by(
        &self,
        user: &User,
        client: Option<&str>,
        page: Page,
    ) -> Result<Vec<Shown>, Error> {
        if let Some(id) = client {
            self.managed_client(user, id).await?;
        }
        let mut shown = self.list_replays(client, page).await?;
        shown.retain(|shown| shown.client.as_ref().is_some_and(|client| user.manages(client)));
        Ok(shown)
    }

    /// A replay.
    ///
    /// # Errors
    /// If it does not exist, or the store fails.
    pub async fn show_replay(&self, id: &str) -> Result<Shown, Error> {
        let asked = id.to_owned();
        let found = self.store.read(move |tx| replays::lookup(tx, &asked)).await?;
        self.shown_replay(found.ok_or_else(|| Error::not_found("replay", id))?).await
    }

    /// A replay, if `user` manages its client.
    ///
    /// # Errors
    /// If there is none that they may see, or the store fails.
    pub async fn replay_seen_by(&self, user: &User, id: &str) -> Result<Shown, Error> {
        let shown = self.show_replay(id).await?;
        let is_seen = shown.client.as_ref().is_some_and(|client| user.manages(client));
        if is_seen { Ok(shown) } else { Err(Error::not_found("replay", id)) }
    }

    /// Has a replay make nothing more until it is resumed.
    ///
    /// # Errors
    /// If it does not exist for the actor, is not running, or the store fails.
    pub async fn pause_replay(self: &Arc<Self>, actor: &Actor, id: &str) -> Result<Shown, Error> {
        self.change_replay(actor, id, "replay.pause", ReplayState::Paused).await
    }

    /// Has a paused replay go on where it stopped.
    ///
    /// # Errors
    /// If it does not exist for the actor, is not paused, its URL gets nothing, or the store fails.
    pub async fn resume_replay(self: &Arc<Self>, actor: &Actor, id: &str) -> Result<Shown, Error> {
        self.change_replay(actor, id, "replay.resume", ReplayState::Running).await
    }

    /// Calls a replay off. The deliveries that it made stay.
    ///
    /// # Errors
    /// If it does not exist for the actor, has come to its end, or the store fails.
    pub async fn cancel_replay(self: &Arc<Self>, actor: &Actor, id: &str) -> Result<Shown, Error> {
        self.change_replay(actor, id, "replay.cancel", ReplayState::Cancelled).await
    }

    /// How many replays are running, on all nodes together, when this node last looked.
    #[must_use]
    pub fn replays_running(&self) -> u64 {
        self.replays_running.load(Ordering::Relaxed)
    }

    async fn change_replay(
        self: &Arc<Self>,
        actor: &Actor,
        id: &str,
        action: &'static str,
        to: ReplayState,
    ) -> Result<Shown, Error> {
        let now = self.now();
        let (this, actor, asked) = (Arc::clone(self), actor.clone(), id.to_owned());
        let changed = self.store.write(move |tx| {
            let absent = || Error::not_found("replay", &asked);
            let replay = replays::lookup(tx, &asked)?.ok_or_else(absent)?;
            let client = clients::lookup(tx, replay.scope.client)?.ok_or_else(absent)?;
            load_managed(tx, &actor, &client.id).map_err(|error| match error {
                Error::NotFound { .. } => absent(),
                other => other,
            })?;
            if replay.state.has_ended() || replay.state == to {
                return Err(Error::Conflict(format!("the replay is {} already", replay.state.as_str())));
            }
            if to == ReplayState::Running {
                let url = client.webhook_url(&replay.scope.url_id).ok_or_else(url_is_gone)?;
                check_can_get(&client, url)?;
                this.handover.no_room().mend_circuit(&url.id);
            }
            replays::change(tx, &asked, to, None, now)?;
            let (before, after) =
                (json!({ "state": replay.state.as_str() }), json!({ "state": to.as_str() }));
            let note = Note {
                actor: &actor,
                action,
                subject_id: &client.id,
                before: Some(&before),
                after: Some(&after),
            };
            this.note(tx, now, &note)
        });
        changed.await?;
        self.show_replay(id).await
    }

    async fn shown_replay(&self, replay: Replay) -> Result<Shown, Error> {
        let client = self.directory.lookup(&self.store, replay.scope.client).await?;
        let url = client.as_ref().and_then(|client| client.webhook_url(&replay.scope.url_id));
        let url = url.map(|url| url.url.clone());
        let url_id = replay.scope.url_id.clone();
        let pending = self.store.read(move |tx| replays::count_pending(tx, &url_id, MOST_PENDING)).await?;
        Ok(Shown { replay, client, url, pending })
    }
}

/// Working on replays: what a node does beside serving requests.
impl Gatepost {
    /// Does one step of the replay that waits longest, if one is due. Says after how long to look again.
    ///
    /// # Errors
    /// If the store fails: what the step did is written whole or not at all, and it is done again when its lease ends.
    pub async fn work_on_replays(&self) -> Result<Duration, Error> {
        let now = self.now();
        let (next_due, running) = self
            .store
            .read(|tx| Ok::<_, StoreError>((replays::next_due(tx)?, replays::count_running(tx)?)))
            .await?;
        self.replays_running.store(running, Ordering::Relaxed);
        match next_due {
            Some(due) if due <= now => {}
            Some(due) => return Ok(due.since(now).min(POLL)),
            None => return Ok(POLL),
        }
        let lease = now.plus(LEASE);
        let claimed = self.store.write(move |tx| replays::claim(tx, now, lease)).await?;
        if let Some(claimed) = claimed {
            self.work_on(claimed).await?;
        }
        Ok(Duration::ZERO)
    }

    async fn work_on(&self, claimed: Claimed) -> Result<(), Error> {
        if !claimed.replay.progress.is_counted {
            return self.count_more(claimed).await;
        }
        let scope = &claimed.replay.scope;
        let url_id = scope.url_id.clone();
        let pending = self.store.read(move |tx| replays::count_pending(tx, &url_id, MOST_PENDING)).await?;
        let room = MOST_PENDING.saturating_sub(pending);
        match self.hindrance(scope, room).await? {
            None => self.make_more(claimed, room).await,
            Some(Hindrance::Wait) => {
                let step = nothing(&claimed, self.now().plus(PAUSE_WITHOUT_ROOM));
                self.record(claimed, step).await
            }
            Some(Hindrance::Pause(reason)) => self.stop(&claimed, ReplayState::Paused, reason).await,
            Some(Hindrance::Cancel(reason)) => self.stop(&claimed, ReplayState::Cancelled, reason).await,
        }
    }

    async fn count_more(&self, claimed: Claimed) -> Result<(), Error> {
        let (scope, after, now) = (claimed.replay.scope.clone(), claimed.counted_to.clone(), self.now());
        let found = self.store.read(move |tx| replays::list_candidates(tx, &scope, &after, COUNTED)).await?;
        self.store.write(move |tx| replays::record_count(tx, &claimed, &found, now)).await?;
        Ok(())
    }

    /// Why nothing may be made for the URL now.
    async fn hindrance(&self, scope: &ReplayScope, room: u32) -> Result<Option<Hindrance>, Error> {
        let Some(client) = self.lookup_client(scope.client).await? else {
            return Ok(Some(Hindrance::Cancel("the client was deleted")));
        };
        let Some(url) = client.webhook_url(&scope.url_id) else {
            return Ok(Some(Hindrance::Cancel("the webhook URL was removed")));
        };
        let is_closed = self.handover.no_room().until(&scope.url_id, self.now()).is_some();
        Ok(match (client.status, url.state) {
            (ClientStatus::Revoked, _) => Some(Hindrance::Cancel("the client was revoked")),
            (ClientStatus::Disabled, _) => Some(Hindrance::Pause("the client is disabled")),
            (_, UrlState::Disabled) => Some(Hindrance::Pause("the webhook URL is disabled")),
            (_, UrlState::Paused) => Some(Hindrance::Wait),
            (_, UrlState::Active) => (room == 0 || is_closed).then_some(Hindrance::Wait),
        })
    }

    async fn make_more(&self, claimed: Claimed, room: u32) -> Result<(), Error> {
        let now = self.now();
        let (replay, after) = (claimed.replay.clone(), claimed.replayed_to.clone());
        let found = self.store.read(move |tx| {
            let candidates = replays::list_candidates(tx, &replay.scope, &after, LOOKED_AT)?;
            let events: Vec<&str> =
                candidates.found.iter().map(|candidate| candidate.event_id.as_str()).collect();
            let sent = replays::list_sent_again(tx, &replay, &events)?;
            Ok::<_, StoreError>((candidates, sent))
        });
        let (candidates, sent) = found.await?;
        let step = self.step(&claimed, candidates, sent, room, now);
        self.record(claimed, step).await
    }

    /// What is made of what was found: a pure decision but for the ids of what is made.
    fn step(
        &self,
        claimed: &Claimed,
        candidates: Candidates,
        mut sent: BTreeSet<String>,
        room: u32,
        now: Timestamp,
    ) -> Step {
        let mut step = nothing(claimed, now.plus(PAUSE));
        let oldest = ids::sortable_floor(ids::EVENT, now.minus(self.settings.retention.events));
        for candidate in candidates.found {
            let last = candidate.id.clone();
            if candidate.event_id < oldest {
                step.gone += 1;
            } else if sent.contains(&candidate.event_id) {
                step.again += 1;
            } else if step.made.len() < room as usize {
                sent.insert(candidate.event_id.clone());
                step.made.push(self.made(candidate, now));
            } else {
                return step;
            }
            step.replayed_to = last;
        }
        if let Some(last) = candidates.last {
            step.replayed_to = last;
        }
        step.is_last = !candidates.may_be_more;
        if step.made.is_empty() {
            step.due_at = now;
        }
        step
    }

    fn made(&self, of: Candidate, now: Timestamp) -> Made {
        Made { id: ids::sortable(ids::DELIVERY, now, &*self.random), of }
    }

    async fn record(&self, claimed: Claimed, step: Step) -> Result<(), Error> {
        let (now, has_made) = (self.now(), !step.made.is_empty());
        let held = self.store.write(move |tx| replays::record_step(tx, &claimed, &step, now)).await?;
        if held && has_made {
            self.handover.look();
        }
        Ok(())
    }

    async fn stop(&self, claimed: &Claimed, state: ReplayState, reason: &'static str) -> Result<(), Error> {
        let (id, now) = (claimed.replay.id.clone(), self.now());
        self.store.write(move |tx| replays::change(tx, &id, state, Some(reason), now)).await?;
        Ok(())
    }
}

/// A step that does nothing.
fn nothing(claimed: &Claimed, due_at: Timestamp) -> Step {
    Step {
        replayed_to: claimed.replayed_to.clone(),
        made: Vec::new(),
        again: 0,
        gone: 0,
        is_last: false,
        due_at,
    }
}

fn scope(client: &ApiClient, new: &NewReplay, now: Timestamp) -> Result<ReplayScope, Error> {
    let url = chosen_url(client, new)?;
    let until = new.until.map_or(now, |until| until.min(now));
    if new.since >= until {
        return Err(Error::invalid("since", "must be in the past, and before the end of the span"));
    }
    Ok(ReplayScope {
        client: client.number,
        url_id: url.id.clone(),
        since: new.since,
        until,
        method: new.method.clone(),
        which: new.which,
    })
}

fn chosen_url<'c>(client: &'c ApiClient, new: &NewReplay) -> Result<&'c WebhookUrl, Error> {
    let Some(wanted) = &new.url else {
        return match client.webhook_urls.as_slice() {
            [url] => Ok(url),
            [] => Err(Error::invalid("url", "the client has no webhook URL")),
            _ => Err(Error::invalid("url", "the client has several webhook URLs: say which")),
        };
    };
    let named = client.webhook_urls.iter().find(|url| url.id == *wanted || url.url == *wanted);
    named.ok_or_else(|| Error::invalid("url", format!("the client has no webhook URL \"{wanted}\"")))
}

fn check_may_begin(tx: &Tx<'_>, client: &ApiClient, url: &WebhookUrl) -> Result<(), Error> {
    check_can_get(client, url)?;
    match replays::lookup_open(tx, client.number, &url.id)? {
        None => Ok(()),
        Some(id) => Err(Error::Conflict(format!(
            "the replay {id} to this webhook URL has not come to its end: wait for it, or cancel it"
        ))),
    }
}

/// What would be skipped all the same is not begun.
fn check_can_get(client: &ApiClient, url: &WebhookUrl) -> Result<(), Error> {
    let why = match (client.status, url.state) {
        (ClientStatus::Active, UrlState::Active | UrlState::Paused) => return Ok(()),
        (ClientStatus::Active, UrlState::Disabled) => "the webhook URL is disabled: enable it first",
        (ClientStatus::Disabled, _) => "the client is disabled: enable it first",
        (ClientStatus::Revoked, _) => "the client was revoked",
    };
    Err(Error::Conflict(why.to_owned()))
}

fn url_is_gone() -> Error {
    Error::Conflict(String::from("the webhook URL was removed"))
}

fn audited(replay: &Replay) -> Value {
    json!({
        "replay": replay.id,
        "webhookUrlId": replay.scope.url_id,
        "since": replay.scope.since.iso(),
        "until": replay.scope.until.iso(),
        "method": replay.scope.method.as_ref().map(Method::as_str),
        "states": replay.scope.which.as_str(),
    })
}
