//! Starting a replay: the form, what it would do, and doing it.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{RawQuery, State};
use gatepost_core::replays::{MOST_PENDING, NewReplay, Preview};
use gatepost_core::{Error, Gatepost};
use gatepost_model::replay::Replayed;
use gatepost_model::{ApiClient, Timestamp};
use http::StatusCode;

use super::deliveries::{moment, offered};
use super::replays::which_words;
use super::{Answer, changed, framed, page_with};
use crate::BASE;
use crate::failure::sentence;
use crate::flash::Flash;
use crate::form::Form;
use crate::frame::{Frame, Section};
use crate::session::Visit;

/// The webhook URLs of so many clients are offered.
const CLIENTS_OFFERED: usize = 100;

/// What is usually asked for.
const LOOKED_BACK: Duration = Duration::from_secs(24 * 3600);

#[derive(Template)]
#[template(path = "replay_new.html")]
struct NewReplayPage<'a> {
    frame: &'a Frame,
    asked: &'a Asked,
    clients: Vec<Arc<ApiClient>>,
    methods: Vec<String>,
    preview: Option<Preview>,
    problem: Option<String>,
}

/// The form as it was filled in.
#[derive(Clone, Debug)]
struct Asked {
    /// Client and webhook URL, with a slash between them.
    target: String,
    since: String,
    until: String,
    method: String,
    which: Replayed,
}

impl Asked {
    fn read(form: &Form, now: Timestamp) -> Self {
        let text = |name| form.text(name).trim().to_owned();
        let usual = now.minus(LOOKED_BACK).iso();
        let since = form.given("since").map_or_else(|| usual.chars().take(16).collect(), str::to_owned);
        let which = Replayed::from_name(form.text("states")).unwrap_or(Replayed::Failed);
        Self { target: text("target"), since, until: text("until"), method: text("method"), which }
    }

    /// The client and what is asked for, or what is wrong with it.
    fn wanted(&self) -> Result<(&str, NewReplay), String> {
        let no_url = || String::from("Choose a webhook URL.");
        let (client, url) = self.target.split_once('/').ok_or_else(no_url)?;
        let time = |text: &str| moment(text).ok_or_else(|| format!("“{text}” is not a time."));
        let since = time(&self.since)?.ok_or_else(|| String::from("Say since when."))?;
        let method = (!self.method.is_empty()).then(|| self.method.parse()).transpose();
        let new = NewReplay {
            url: Some(url.to_owned()),
            since,
            until: time(&self.until)?,
            method: method
                .map_err(|error: gatepost_model::webhook::InvalidMethod| sentence(&error.to_string()))?,
            which: self.which,
        };
        Ok((client, new))
    }
}

impl NewReplayPage<'_> {
    fn choices(&self) -> [(&'static str, &'static str, bool); 3] {
        Replayed::ALL.map(|which| (which.as_str(), which_words(which), which == self.asked.which))
    }

    fn is_target(&self, client: &ApiClient, url: &str) -> bool {
        self.asked.target.split_once('/') == Some((client.id.as_str(), url))
    }
}

/// `GET /replays/new`: with `count`, says what the replay would do.
pub(super) async fn show(
    State(gatepost): State<Arc<Gatepost>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Answer {
    let form = Form::query(query.as_deref());
    let asked = Asked::read(&form, visit.now);
    let (mut preview, mut problem) = (None, None);
    if form.given("count").is_some() {
        match asked.wanted() {
            Err(wrong) => problem = Some(wrong),
            Ok((client, new)) => match gatepost.preview_replay(visit.user(), client, &new).await {
                Ok(found) => preview = Some(found),
                Err(Error::Invalid { problem: wrong, .. }) => problem = Some(sentence(&wrong)),
                Err(error) => return Err(error.into()),
            },
        }
    }
    filled(&gatepost, &visit, &asked, preview, problem).await
}

/// `POST /replays`: leads to the replay.
pub(super) async fn send(State(gatepost): State<Arc<Gatepost>>, visit: Visit, form: Form) -> Answer {
    let asked = Asked::read(&form, visit.now);
    let problem = match asked.wanted() {
        Err(wrong) => wrong,
        Ok((client, new)) => match gatepost.start_replay(&visit.actor(), client, new).await {
            Ok(started) => {
                let to = format!("{BASE}/replays/{}", started.replay.id);
                return changed(&gatepost, Flash::ReplayStarted, &to);
            }
            Err(Error::Invalid { problem: wrong, .. } | Error::Conflict(wrong)) => sentence(&wrong),
            Err(error) => return Err(error.into()),
        },
    };
    filled(&gatepost, &visit, &asked, None, Some(problem)).await
}

async fn filled(
    gatepost: &Arc<Gatepost>,
    visit: &Visit,
    asked: &Asked,
    preview: Option<Preview>,
    problem: Option<String>,
) -> Answer {
    let mut clients = Vec::new();
    for client in offered(gatepost, visit.user()).await?.iter().take(CLIENTS_OFFERED) {
        clients.push(gatepost.get_client(&client.id).await?);
    }
    clients.retain(|client| !client.webhook_urls.is_empty());
    let methods = gatepost.catalog().methods().map(|method| method.as_str().to_owned()).collect();
    let frame = Frame::new(visit, Section::Deliveries);
    let is_wrong = problem.is_some();
    let page = NewReplayPage { frame: &frame, asked, clients, methods, preview, problem };
    if is_wrong {
        page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
    } else {
        framed(gatepost, &frame, &page)
    }
}
