//! Listening: a client's events on the developer's own machine, printed and handed on as webhooks, over connections that
//! only ever go out. It reads the feed (docs/adr/0009-event-feed.md), so it needs no webhook URL, no tunnel and no open port.

mod forward;
mod session;

use std::sync::Arc;
use std::time::Duration;

use gatepost_keys::{Plain, WebhookKey};
use gatepost_model::webhook::PayloadShape;
use gatepost_model::{ApiVersion, Clock, Random, SystemClock, SystemRandom};
use serde_json::{Value, json};
use tokio::time::sleep;

use self::forward::{Forward, Forwarded};
use self::session::{FeedEvent, Page, Place, Session, Trouble};
use crate::remote::Remote;

/// The pause after the first trouble that may pass; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What to listen to, and what to do with it.
pub(crate) struct Listening {
    /// The server.
    pub(crate) server: Remote,
    /// `gpc_…`.
    pub(crate) client_id: String,
    /// `gps_…`.
    pub(crate) secret: Plain,
    /// Subdomains.
    pub(crate) workspaces: Vec<String>,
    /// Begin at this time, in ISO 8601, instead of now.
    pub(crate) since: Option<String>,
    /// Where events are handed on to, signed with what, in which shape.
    pub(crate) forward: Option<(Remote, WebhookKey, PayloadShape)>,
}

/// Who is told what happens.
pub(crate) trait Report {
    /// An event came; `forwarded` is what became of handing it on, if it was.
    fn event(&self, line: &Line) -> anyhow::Result<()>;
    /// Something beside it.
    fn note(&self, text: &str);
}

/// An event as it is printed.
pub(crate) struct Line<'a> {
    workspace: &'a str,
    event: &'a FeedEvent,
    forwarded: Option<anyhow::Result<Forwarded>>,
}

impl Line<'_> {
    /// For people.
    pub(crate) fn text(&self) -> String {
        let time = self.event.timestamp.get(11..19).unwrap_or(&self.event.timestamp);
        let event = format!("{time}  {:<20} {}  {}", self.event.method, self.event.id, self.workspace);
        match &self.forwarded {
            None => format!("{event}\n{}", self.event.data),
            Some(Ok(done)) => format!("{event}  {} in {} ms", done.status.as_u16(), done.took.as_millis()),
            Some(Err(error)) => format!("{event}  not taken: {error:#}"),
        }
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let forwarded = self.forwarded.as_ref().map(|forwarded| match forwarded {
            Ok(done) => {
                json!({ "status": done.status.as_u16(), "milliseconds": u64::try_from(done.took.as_millis()).ok() })
            }
            Err(error) => json!({ "error": format!("{error:#}") }),
        });
        json!({
            "workspace": self.workspace,
            "id": self.event.id,
            "type": self.event.method,
            "timestamp": self.event.timestamp,
            "data": self.event.data,
            "forwarded": forwarded,
        })
    }
}

impl Listening {
    /// Listens until something is wrong that does not pass by itself.
    ///
    /// # Errors
    /// Always, in the end: what is wrong.
    pub(crate) async fn run(self, report: &dyn Report) -> anyhow::Result<()> {
        let session = Session::new(self.server, self.client_id, self.secret);
        let forward = self.forward.map(|(remote, key, payload)| Forward::new(remote, key, payload));
        let begin = self.since.map_or(Place::Latest, Place::Since);
        let listener = Listener {
            session,
            forward,
            report,
            clock: Arc::new(SystemClock::default()),
            random: Arc::new(SystemRandom),
        };
        if let Some(forward) = &listener.forward {
            report.note(&format!("Forwarding to {}.", forward.url()));
        }
        let all = self.workspaces.iter().map(|workspace| listener.follow(workspace, begin.clone()));
        futures_util::future::try_join_all(all).await.map(drop)
    }
}

struct Listener<'a> {
    session: Session,
    forward: Option<Forward>,
    report: &'a dyn Report,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Listener<'_> {
    /// Follows one workspace, for ever.
    async fn follow(&self, workspace: &str, begin: Place) -> anyhow::Result<()> {
        let (mut place, mut pause) = (begin, FIRST_PAUSE);
        loop {
            match self.session.next(workspace, &place).await {
                Ok(page) => {
                    pause = FIRST_PAUSE;
                    self.hand_on(workspace, &page).await?;
                    place = match page.next {
                        Some(next) => Place::After(next),
                        // There was nothing at all: whatever comes is new.
                        None if place == Place::Latest => Place::Start,
                        None => place,
                    };
                }
                Err(Trouble::Passing(problem, after)) => {
                    let rest = after.unwrap_or(pause).min(LONGEST_PAUSE);
                    self.report.note(&format!("{problem}; trying again in {} s", rest.as_secs().max(1)));
                    sleep(rest).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(Trouble::Final(error)) => return Err(error),
            }
        }
    }

    async fn hand_on(&self, workspace: &str, page: &Page) -> anyhow::Result<()> {
        let version = page.api_version.as_deref().and_then(|version| version.parse().ok());
        let version = version.unwrap_or(ApiVersion::NEWEST);
        for event in &page.events {
            let forwarded = match &self.forward {
                Some(forward) => {
                    let now = self.clock.now();
                    Some(forward.send(event, workspace, version, now, &*self.random).await)
                }
                None => None,
            };
            self.report.event(&Line { workspace, event, forwarded })?;
        }
        Ok(())
    }
}
