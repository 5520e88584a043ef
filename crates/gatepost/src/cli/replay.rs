//! `gatepost replay …`

use clap::Subcommand;
use clap::builder::NonEmptyStringValueParser;
use serde_json::{Map, Value};

use super::call::{Call, path, put, with_query};
use super::show::{Details, items, row, table, text};

/// Replays: what a webhook URL did not get, sent once more.
#[derive(Debug, Subcommand)]
pub(super) enum ReplayCommand {
    /// Send once more what a webhook URL did not get since a time.
    ///
    /// The server works it off beside the live deliveries, a few at a time. Receivers see the same webhook-id again.
    #[command(
        after_help = "Examples:\n  gatepost replay start gpc_4kXbJw0Q2m7sT9vYcLdE --since 2026-11-24T09:12:00Z\n  \
                            gatepost replay start gpc_4kXbJw0Q2m7sT9vYcLdE --url https://hooks.example.com/in \\\n    \
                            --since 2026-11-20 --until 2026-11-24 --states all"
    )]
    Start {
        /// The client's id or client id.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        client: String,
        /// Deliveries made at this time or later: 2026-11-24 or 2026-11-24T14:30:00Z.
        #[arg(long, value_name = "TIME")]
        since: String,
        /// Deliveries made before this time [default: now].
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// The webhook URL, or its id; not needed if the client has one only.
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        /// Only events of this method.
        #[arg(long, value_name = "METHOD")]
        method: Option<String>,
        /// Which: given up; failed, skipped or cancelled; or all that ended.
        #[arg(long, default_value = "failed", value_parser = ["failed", "undelivered", "all"])]
        states: String,
    },
    /// List replays, newest first.
    #[command(after_help = "Example:\n  gatepost replay list --client gpc_4kXbJw0Q2m7sT9vYcLdE")]
    List {
        /// Only those of this client, by id or client id.
        #[arg(long, value_name = "ID")]
        client: Option<String>,
        /// Only those before this one: the last id of the page before.
        #[arg(long, value_name = "ID")]
        before: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Show how far a replay is.
    #[command(after_help = "Example:\n  gatepost replay show rpl_01jd8z5m3k7q2x9w4t6y0b1c8e")]
    Show {
        /// The replay's id.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        id: String,
    },
    /// Have a replay make nothing more until it is resumed.
    #[command(after_help = "Example:\n  gatepost replay pause rpl_01jd8z5m3k7q2x9w4t6y0b1c8e")]
    Pause {
        /// The replay's id.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        id: String,
    },
    /// Have a paused replay go on where it stopped.
    #[command(after_help = "Example:\n  gatepost replay resume rpl_01jd8z5m3k7q2x9w4t6y0b1c8e")]
    Resume {
        /// The replay's id.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        id: String,
    },
    /// Call a replay off; what it made until then stays.
    #[command(after_help = "Example:\n  gatepost replay cancel rpl_01jd8z5m3k7q2x9w4t6y0b1c8e")]
    Cancel {
        /// The replay's id.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        id: String,
    },
}

impl ReplayCommand {
    /// What is asked of the admin API.
    #[must_use]
    pub(super) fn call(&self) -> Call {
        match self {
            Self::Start { client, since, until, url, method, states } => {
                let mut body = Map::new();
                put(&mut body, "since", Some(since.as_str()));
                put(&mut body, "until", until.as_deref());
                put(&mut body, "url", url.as_deref());
                put(&mut body, "method", method.as_deref());
                put(&mut body, "states", Some(states.as_str()));
                Call::post(path(&["clients", client, "replays"]), body, show)
            }
            Self::List { client, before, limit } => {
                let count = limit.to_string();
                let parameters = [
                    ("client", client.as_deref()),
                    ("before", before.as_deref()),
                    ("limit", Some(count.as_str())),
                ];
                Call::get(with_query(path(&["replays"]), &parameters), list).in_pages(*limit)
            }
            Self::Show { id } => Call::get(path(&["replays", id]), show),
            Self::Pause { id } => Call::post(path(&["replays", id, "pause"]), Map::new(), show),
            Self::Resume { id } => Call::post(path(&["replays", id, "resume"]), Map::new(), show),
            Self::Cancel { id } => Call::post(path(&["replays", id, "cancel"]), Map::new(), show),
        }
    }
}

fn list(replays: &Value) -> String {
    let members = ["id", "state", "counted", "made", "since", "until", "url"];
    let rows = items(replays).iter().map(|replay| row(replay, &members));
    let headings = ["ID", "STATE", "COUNTED", "MADE", "SINCE", "UNTIL", "URL"];
    table(&headings, rows.collect(), "There are no such replays.")
}

fn show(replay: &Value) -> String {
    let counted = text(&replay["counted"]);
    let so_far = if replay["isCounted"] == true { counted } else { format!("{counted} so far") };
    Details::new("Replay")
        .member("id", replay, "id")
        .member("state", replay, "state")
        .member("reason", replay, "reason")
        .member("client", replay, "client")
        .member("webhook URL", replay, "url")
        .member("since", replay, "since")
        .member("until", replay, "until")
        .member("method", replay, "method")
        .member("states", replay, "states")
        .line("counted", so_far)
        .member("made", replay, "made")
        .line("sent again already", text(&replay["skipped"]["sentAgain"]))
        .line("event not kept", text(&replay["skipped"]["eventGone"]))
        .member("pending", replay, "pending")
        .member("started by", replay, "createdBy")
        .member("started", replay, "createdAt")
        .member("ended", replay, "endedAt")
        .finish()
}
