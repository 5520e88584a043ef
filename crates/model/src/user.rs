//! People who sign in to the manager, and what they may do in which workspace.

use serde::{Deserialize, Serialize};

use crate::client::ApiClient;
use crate::time::Timestamp;
use crate::workspace::{Workspace, WorkspaceNumber};

/// What a user may do in a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything, and say who else may.
    Owner,
    /// Manage API clients.
    Admin,
    /// Be there.
    Member,
}

impl Role {
    /// As it stands in JSON, in the store and on pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }

    /// From the store's text.
    #[must_use]
    pub fn from_name(text: &str) -> Option<Self> {
        [Self::Owner, Self::Admin, Self::Member].into_iter().find(|role| role.as_str() == text)
    }

    /// Whether whoever has it may give somebody `role`, or take it away: nobody raises anyone above themself.
    #[must_use]
    pub const fn may_grant(self, role: Self) -> bool {
        match self {
            Self::Owner => true,
            Self::Admin => !matches!(role, Self::Owner),
            Self::Member => false,
        }
    }

    /// Whether it comes with the rights to manage API clients.
    #[must_use]
    pub const fn administers(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }
}

/// A user's role in one workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The workspace.
    pub workspace: Workspace,
    /// The role.
    pub role: Role,
}

/// A person of the product who signs in to the manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// `usr_…`.
    pub id: String,
    /// What they sign in with, in lower case.
    pub email: String,
    /// What people call them.
    pub name: String,
    /// Whether signing in asks for a code besides the password.
    pub has_second_factor: bool,
    /// Their workspaces, by subdomain.
    pub memberships: Vec<Membership>,
    /// When they were added.
    pub created_at: Timestamp,
}

impl User {
    /// The workspaces in which they may manage API clients, by subdomain.
    pub fn administered(&self) -> impl Iterator<Item = &Workspace> {
        self.memberships.iter().filter(|held| held.role.administers()).map(|held| &held.workspace)
    }

    /// Their role in this workspace, if they belong to it.
    #[must_use]
    pub fn role_in(&self, workspace: WorkspaceNumber) -> Option<Role> {
        self.memberships.iter().find(|held| held.workspace.number == workspace).map(|held| held.role)
    }

    /// Whether they may manage API clients in this workspace.
    #[must_use]
    pub fn administers(&self, workspace: WorkspaceNumber) -> bool {
        self.administered().any(|administered| administered.number == workspace)
    }

    /// Whether they see and edit this client: with admin rights in all of its workspaces (design.md "Objects",
    /// security.md P7). A client without workspaces belongs to whoever made it.
    #[must_use]
    pub fn manages(&self, client: &ApiClient) -> bool {
        if client.workspaces.is_empty() {
            return client.created_by.strip_prefix("user:") == Some(&self.id);
        }
        client.workspaces.iter().all(|workspace| self.administers(workspace.number))
    }
}
