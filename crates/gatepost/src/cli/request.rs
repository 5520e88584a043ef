//! `gatepost request …`

use clap::Subcommand;
use clap::builder::NonEmptyStringValueParser;
use serde_json::Value;

use super::call::{Call, path, with_query};
use super::show::{Details, items, row, table, text};

/// Refused requests, and why they were refused.
#[derive(Debug, Subcommand)]
pub(super) enum RequestCommand {
    /// List refused requests, newest first.
    #[command(after_help = "Examples:\n  gatepost request list --client gpc_4kXbJw0Q2m7sT9vYcLdE\n  \
                            gatepost request list --check workspace --since 2026-03-12 --json")]
    List {
        /// Only those of this API client: its id or client id.
        #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
        client: Option<String>,
        /// Only those that this check of the gate refused: token, workspace, "rate limit" …
        #[arg(long)]
        check: Option<String>,
        /// Only those whose business header said this.
        #[arg(long, value_name = "SUBDOMAIN")]
        workspace: Option<String>,
        /// Only from then on: a date, or a time in ISO 8601.
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// Only those before this one: the last id of the page before.
        #[arg(long, value_name = "ID")]
        before: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Explain why a request was refused: each check of the gate, the true reason, what to change.
    #[command(after_help = "Example:\n  gatepost request explain req_01jd8z5m3k7q2x9w4t6y0b1c8e")]
    Explain {
        /// The `X-Request-Id` of the answer.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        id: String,
    },
}

impl RequestCommand {
    /// What is asked of the admin API.
    #[must_use]
    pub(super) fn call(&self) -> Call {
        match self {
            Self::List { client, check, workspace, since, before, limit } => {
                let count = limit.to_string();
                let parameters = [
                    ("client", client.as_deref()),
                    ("check", check.as_deref()),
                    ("workspace", workspace.as_deref()),
                    ("since", since.as_deref()),
                    ("before", before.as_deref()),
                    ("limit", Some(count.as_str())),
                ];
                Call::get(with_query(path(&["requests"]), &parameters), list).in_pages(*limit)
            }
            Self::Explain { id } => Call::get(path(&["requests", id]), explained),
        }
    }
}

fn list(requests: &Value) -> String {
    let members = ["at", "status", "refusedBy", "verb", "path", "workspace", "address", "id"];
    let rows = items(requests).iter().map(|one| row(one, &members));
    let headings = ["AT", "STATUS", "REFUSED BY", "VERB", "PATH", "WORKSPACE", "FROM", "ID"];
    table(&headings, rows.collect(), "There are no such requests.")
}

fn explained(request: &Value) -> String {
    let mut shown = Details::new(text(&request["detail"]))
        .member("what to change", request, "help")
        .member("request", request, "id")
        .member("at", request, "at")
        .line("asked for", format!("{} {}", text(&request["verb"]), text(&request["path"])))
        .member("answered with", request, "status")
        .member("from", request, "address")
        .member("client", request, "client")
        .member("workspace", request, "workspace")
        .member("enabled for", request, "enabledWorkspaces");
    for check in items(&request["checks"]) {
        shown = shown.line(&format!("check: {}", text(&check["check"])), text(&check["result"]));
    }
    shown.finish()
}
