//! The change feed: what memory must forget because the tables changed.

use gatepost_model::{ClientNumber, WorkspaceNumber};

/// Something whose cached state is out of date once the closure that announced it is committed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// An API client: its secrets, workspaces, webhook URLs, methods or status.
    Client(ClientNumber),
    /// A workspace.
    Workspace(WorkspaceNumber),
    /// A webhook URL, by its id: its state, pace or signing keys.
    WebhookUrl(String),
}

impl Change {
    /// As the feed between nodes carries it.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Client(number) => format!("client {}", number.0),
            Self::Workspace(number) => format!("workspace {}", number.0),
            Self::WebhookUrl(id) => format!("webhook_url {id}"),
        }
    }

    /// What the feed carried; none if only a newer release knows it.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        match text.split_once(' ')? {
            ("client", number) => number.parse().ok().map(ClientNumber).map(Self::Client),
            ("workspace", number) => number.parse().ok().map(WorkspaceNumber).map(Self::Workspace),
            ("webhook_url", id) => Some(Self::WebhookUrl(id.to_owned())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_come_out_of_the_feed_as_they_went_in() {
        let changes = [
            Change::Client(ClientNumber(7)),
            Change::Workspace(WorkspaceNumber(-3)),
            Change::WebhookUrl(String::from("whu_a b")),
        ];
        for change in changes {
            assert_eq!(Change::from_text(&change.to_text()), Some(change));
        }
        for text in ["", "client", "client x", "planet 3"] {
            assert_eq!(Change::from_text(text), None, "{text}");
        }
    }
}
