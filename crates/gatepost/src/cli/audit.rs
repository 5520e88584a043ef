//! `gatepost audit …`

use clap::Subcommand;
use serde_json::Value;

use super::call::{Call, path, with_query};
use super::show::{items, row, table};

/// The audit trail: who changed what, and when.
#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// List entries, newest first. With --json they hold what was before and after.
    #[command(after_help = "Examples:\n  gatepost audit list\n  \
                            gatepost audit list --subject gpc_4kXbJw0Q2m7sT9vYcLdE --json")]
    List {
        /// Only those about this API client or workspace.
        #[arg(long, value_name = "ID")]
        subject: Option<String>,
        /// Only what this person did: their id.
        #[arg(long, value_name = "ID")]
        person: Option<String>,
        /// Only entries of this kind.
        #[arg(long, value_parser = ["created", "changed", "shown", "rotated", "stopped", "deliveries", "sign-ins", "refused"])]
        kind: Option<String>,
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
}

impl AuditCommand {
    /// What is asked of the admin API.
    #[must_use]
    pub(super) fn call(&self) -> Call {
        let Self::List { subject, person, kind, since, before, limit } = self;
        let count = limit.to_string();
        let parameters = [
            ("subject", subject.as_deref()),
            ("person", person.as_deref()),
            ("kind", kind.as_deref()),
            ("since", since.as_deref()),
            ("before", before.as_deref()),
            ("limit", Some(count.as_str())),
        ];
        Call::get(with_query(path(&["audit"]), &parameters), list).in_pages(*limit)
    }
}

fn list(entries: &Value) -> String {
    let rows = items(entries).iter().map(|entry| row(entry, &["at", "actor", "action", "subject", "id"]));
    table(&["AT", "WHO", "WHAT", "SUBJECT", "ID"], rows.collect(), "There are no such entries.")
}
