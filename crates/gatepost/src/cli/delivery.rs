//! `gatepost delivery …`

use clap::Subcommand;
use clap::builder::NonEmptyStringValueParser;
use serde_json::{Map, Value};

use super::call::{Call, path, with_query};
use super::show::{Details, items, row, table, text};

/// Deliveries: webhooks that were sent, or are to be.
#[derive(Debug, Subcommand)]
pub(super) enum DeliveryCommand {
    /// List deliveries, newest first.
    #[command(after_help = "Examples:\n  gatepost delivery list --state failed\n  \
                            gatepost delivery list --client gpc_4kXbJw0Q2m7sT9vYcLdE --limit 20 --json")]
    List {
        /// Only those of this API client: its id or client id.
        #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
        client: Option<String>,
        /// Only those in this state.
        #[arg(long, value_parser = ["pending", "delivered", "failed", "cancelled", "skipped"])]
        state: Option<String>,
        /// Only those of events of this method.
        #[arg(long, value_name = "METHOD")]
        method: Option<String>,
        /// Only those for the webhook URL with this id.
        #[arg(long, value_name = "ID")]
        url: Option<String>,
        /// Only those that this replay made.
        #[arg(long, value_name = "ID")]
        replay: Option<String>,
        /// Only those made at this time or later: 2026-11-24 or 2026-11-24T14:30:00Z.
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// Only those made before this time.
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// Only those before this one: the last id of the page before.
        #[arg(long, value_name = "ID")]
        before: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Show a delivery with every attempt.
    #[command(after_help = "Example:\n  gatepost delivery show dlv_01jd8z5m3k7q2x9w4t6y0b1c8e")]
    Show {
        /// The delivery's id.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        id: String,
    },
    /// Try a pending delivery at once.
    #[command(after_help = "Example:\n  gatepost delivery send-now dlv_01jd8z5m3k7q2x9w4t6y0b1c8e")]
    SendNow {
        /// The delivery's id.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        id: String,
    },
    /// Call a pending delivery off.
    #[command(after_help = "Example:\n  gatepost delivery cancel dlv_01jd8z5m3k7q2x9w4t6y0b1c8e")]
    Cancel {
        /// The delivery's id.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        id: String,
    },
    /// Send a delivery's event once more.
    ///
    /// It becomes a new delivery that points at the old one, with the same webhook-id.
    #[command(after_help = "Example:\n  gatepost delivery replay dlv_01jd8z5m3k7q2x9w4t6y0b1c8e")]
    Replay {
        /// The delivery's id.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        id: String,
    },
    /// Say how many events happened and what became of them.
    #[command(after_help = "Example:\n  gatepost delivery reconcile --since 2026-11-20")]
    Reconcile {
        /// From when on, a day ago if left out: 2026-11-24 or 2026-11-24T14:30:00Z.
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
    },
}

impl DeliveryCommand {
    /// What is asked of the admin API.
    #[must_use]
    pub(super) fn call(&self) -> Call {
        match self {
            Self::List { client, state, method, url, replay, since, until, before, limit } => {
                let count = limit.to_string();
                let parameters = [
                    ("client", client.as_deref()),
                    ("state", state.as_deref()),
                    ("method", method.as_deref()),
                    ("url", url.as_deref()),
                    ("replay", replay.as_deref()),
                    ("since", since.as_deref()),
                    ("until", until.as_deref()),
                    ("before", before.as_deref()),
                    ("limit", Some(count.as_str())),
                ];
                Call::get(with_query(path(&["deliveries"]), &parameters), list).in_pages(*limit)
            }
            Self::Show { id } => Call::get(path(&["deliveries", id]), show),
            Self::SendNow { id } => Call::post(path(&["deliveries", id, "send-now"]), Map::new(), sent),
            Self::Cancel { id } => Call::post(path(&["deliveries", id, "cancel"]), Map::new(), cancelled),
            Self::Reconcile { since } => {
                Call::get(with_query(path(&["reconciliation"]), &[("since", since.as_deref())]), reconciled)
            }
            Self::Replay { id } => Call::post(path(&["deliveries", id, "replay"]), Map::new(), replayed),
        }
    }
}

fn list(deliveries: &Value) -> String {
    let members = ["id", "state", "method", "attempts", "createdAt", "nextAttemptAt", "url"];
    let rows = items(deliveries).iter().map(|delivery| row(delivery, &members));
    let headings = ["ID", "STATE", "METHOD", "ATTEMPTS", "CREATED", "NEXT ATTEMPT", "URL"];
    table(&headings, rows.collect(), "There are no such deliveries.")
}

fn show(delivery: &Value) -> String {
    let mut shown = details("Delivery", delivery).finish();
    for attempt in items(&delivery["attemptLog"]) {
        let title = format!("Attempt {}: {}", text(&attempt["number"]), text(&attempt["outcome"]));
        let attempt = Details::new(title)
            .member("started", attempt, "startedAt")
            .line("took", format!("{} ms", text(&attempt["durationMs"])))
            .member("status", attempt, "status")
            .member("error", attempt, "error")
            .member("address", attempt, "address")
            .member("reply", attempt, "reply");
        shown.push_str("\n\n");
        shown.push_str(&attempt.finish());
    }
    shown
}

fn sent(delivery: &Value) -> String {
    details("It is tried at once:", delivery).finish()
}

fn cancelled(delivery: &Value) -> String {
    details("It is not sent any more:", delivery).finish()
}

fn replayed(delivery: &Value) -> String {
    details("Its event is sent once more, as this delivery:", delivery).finish()
}

fn reconciled(account: &Value) -> String {
    let title = format!("From {} until {}", text(&account["since"]), text(&account["until"]));
    let events = Details::new(title)
        .member("events", account, "events")
        .member("subscribed to", account, "matched")
        .member("of no interest", account, "unmatched");
    let standing = |title: &str, of: &Value| {
        Details::new(title)
            .member("made", of, "made")
            .member("delivered", of, "delivered")
            .member("given up", of, "failed")
            .member("skipped", of, "skipped")
            .member("cancelled", of, "cancelled")
            .member("pending", of, "pending")
            .finish()
    };
    let deliveries = standing("Deliveries", &account["deliveries"]);
    let again = standing("Sent once more", &account["sentAgain"]);
    format!("{}\n\n{deliveries}\n\n{again}", events.finish())
}

fn details(title: &str, delivery: &Value) -> Details {
    Details::new(title)
        .member("id", delivery, "id")
        .member("state", delivery, "state")
        .member("reason", delivery, "reason")
        .member("method", delivery, "method")
        .member("event", delivery, "eventId")
        .member("client", delivery, "client")
        .member("webhook URL", delivery, "url")
        .member("attempts", delivery, "attempts")
        .member("created", delivery, "createdAt")
        .member("next attempt", delivery, "nextAttemptAt")
        .member("ended", delivery, "endedAt")
        .member("replay of", delivery, "replayOf")
}
