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
