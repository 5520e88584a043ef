//! Replays: the list of them, and how far one is.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use gatepost_core::replays::{MOST_PENDING, Shown};
use gatepost_core::{Gatepost, Page};
use gatepost_model::replay::{Replay, ReplayState, Replayed};

use super::standing::who;
use super::{Answer, changed, framed, page};
use crate::BASE;
use crate::failure::sentence;
use crate::flash::Flash;
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::parts::{Chip, Tone, chip, plain_chip};
use crate::session::Visit;
use crate::words;

const PER_PAGE: u32 = 25;

#[derive(Template)]
#[template(path = "replays.html")]
struct ReplaysPage<'a> {
    frame: &'a Frame,
    lines: Vec<Line>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "replay.html")]
struct ReplayPage<'a> {
    frame: &'a Frame,
    line: &'a Line,
    part: Progress<'a>,
}

/// What the script asks for again while the replay is running.
#[derive(Template)]
#[template(path = "parts/replay.html")]
struct Progress<'a> {
    line: &'a Line,
}

/// A replay as pages show it.
pub(super) struct Line {
    replay: Replay,
    chip: Chip,
    reason: Option<String>,
    client: String,
    client_id: String,
    url: String,
    pending: u32,
    started_by: String,
}

impl Line {
    fn of(shown: Shown, names: &HashMap<String, String>) -> Self {
        let Shown { replay, client, url, pending } = shown;
        let reason = replay.reason.as_deref();
        Self {
            chip: chip_of(replay.state),
            reason: reason.map(|reason| sentence(reason).trim_end_matches('.').to_owned()),
            client: client.as_ref().map(|client| client.name.clone()).unwrap_or_default(),
            client_id: client.as_ref().map(|client| client.id.clone()).unwrap_or_default(),
            url: url.unwrap_or_else(|| String::from("A URL that was removed")),
            pending,
            started_by: who(&replay.created_by, names),
            replay,
        }
    }

    fn is_running(&self) -> bool {
        self.replay.state == ReplayState::Running
    }

    fn is_paused(&self) -> bool {
        self.replay.state == ReplayState::Paused
    }

    /// Whether it waits for its receiver.
    fn is_full(&self) -> bool {
        self.is_running() && self.pending >= MOST_PENDING
    }

    /// "80 of 120", or what is known of it.
    fn so_far(&self) -> String {
        let (done, counted) = (self.replay.progress.done(), self.replay.progress.counted);
        match self.replay.progress.is_counted {
            true => format!("{} of {}", words::number(done), words::number(counted.max(done))),
            false => format!("{} counted so far", words::number(counted)),
        }
    }

    fn which(&self) -> &'static str {
        which_words(self.replay.scope.which)
    }

    /// The list of what it made.
    fn deliveries(&self) -> String {
        format!("{BASE}/deliveries?client={}&replay={}&time=month", self.client_id, self.replay.id)
    }
}

/// Which deliveries a replay takes, in words.
pub(super) const fn which_words(which: Replayed) -> &'static str {
    match which {
        Replayed::Failed => "Failed",
        Replayed::Undelivered => "Failed, skipped or cancelled",
        Replayed::All => "All that ended, delivered ones too",
    }
}

const fn chip_of(state: ReplayState) -> Chip {
    match state {
        ReplayState::Running => plain_chip(Tone::Ok, "Running"),
        ReplayState::Paused => chip(Tone::Warn, "Paused"),
        ReplayState::Done => plain_chip(Tone::Ok, "Done"),
        ReplayState::Cancelled => chip(Tone::Off, "Cancelled"),
    }
}

/// `GET /replays`
pub(super) async fn show_all(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Answer {
    let query = Form::query(query.as_deref());
    let wanted = Page { before: query.given("before").map(str::to_owned), limit: PER_PAGE };
    let found = gatepost.replays_seen_by(visit.user(), None, wanted).await?;
    let last = found.last().filter(|_| found.len() == PER_PAGE as usize);
    let next = last.map(|last| format!("{BASE}/replays?before={}", last.replay.id));
    let names = gatepost.user_names().await?;
    let lines = found.into_iter().map(|shown| Line::of(shown, &names)).collect();
    let frame = Frame::new(&visit, Section::Deliveries);
    framed(&gatepost, &frame, &ReplaysPage { frame: &frame, lines, next })
}

/// `GET /replays/{id}`: for the script, the progress alone.
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Answer {
    let shown = gatepost.replay_seen_by(visit.user(), &id).await?;
    let line = Line::of(shown, &gatepost.user_names().await?);
    if visit.wants_part {
        return page(&Progress { line: &line });
    }
    let frame = Frame::new(&visit, Section::Deliveries);
    framed(&gatepost, &frame, &ReplayPage { frame: &frame, line: &line, part: Progress { line: &line } })
}

/// `POST /replays/{id}/pause`
pub(super) async fn pause(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Answer {
    gatepost.pause_replay(&visit.actor(), &id).await?;
    changed(&gatepost, Flash::ReplayPaused, &format!("{BASE}/replays/{id}"))
}

/// `POST /replays/{id}/resume`
pub(super) async fn resume(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Answer {
    gatepost.resume_replay(&visit.actor(), &id).await?;
    changed(&gatepost, Flash::ReplayResumed, &format!("{BASE}/replays/{id}"))
}

/// `POST /replays/{id}/cancel`
pub(super) async fn cancel(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Answer {
    gatepost.cancel_replay(&visit.actor(), &id).await?;
    changed(&gatepost, Flash::ReplayCancelled, &format!("{BASE}/replays/{id}"))
}
