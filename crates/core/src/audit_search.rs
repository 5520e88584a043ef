//! Which entries of the audit trail are looked for.

use gatepost_model::{Timestamp, ids};
use gatepost_store::tables::audit::Entry;

/// What kind of thing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something was made.
    Created,
    /// Something was changed.
    Changed,
    /// A secret or a signing key was shown.
    Shown,
    /// A secret or a signing key was replaced or ended.
    Rotated,
    /// Something was stopped, let go on, or removed.
    Stopped,
    /// Deliveries were sent again, at once, or called off.
    Deliveries,
    /// Somebody signed in or out, or got other means to.
    SignIns,
    /// Somebody was refused something.
    Refused,
}

impl Kind {
    /// Every kind, as pages offer them.
    pub const ALL: [Self; 8] = [
        Self::Created,
        Self::Changed,
        Self::Shown,
        Self::Rotated,
        Self::Stopped,
        Self::Deliveries,
        Self::SignIns,
        Self::Refused,
    ];

    /// Its name in JSON and in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Shown => "shown",
            Self::Rotated => "rotated",
            Self::Stopped => "stopped",
            Self::Deliveries => "deliveries",
            Self::SignIns => "sign-ins",
            Self::Refused => "refused",
        }
    }

    /// From that text.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The kind of an action. One that is new counts as a change.
    #[must_use]
    pub fn of(action: &str) -> Self {
        match action {
            "access.refuse" | "user.sign-in-failures" => Self::Refused,
            "client.disable" | "client.enable" | "client.revoke" | "member.remove" => Self::Stopped,
            "secret.kill" => Self::Rotated,
            "user.set-up" => Self::Created,
            _ if action.starts_with("delivery.") || action.starts_with("replay.") => Self::Deliveries,
            _ if ["user.", "session.", "second-factor.", "password-link."]
                .iter()
                .any(|start| action.starts_with(start)) =>
            {
                Self::SignIns
            }
            _ => match action.rsplit_once('.').map_or(action, |(_, verb)| verb) {
                "create" | "make" => Self::Created,
                "reveal" => Self::Shown,
                "rotate" => Self::Rotated,
                "delete" | "end" | "withdraw" => Self::Stopped,
                _ => Self::Changed,
            },
        }
    }
}

/// What is asked for. What is left out asks for any.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Entries about the one with this id.
    pub subject: Option<String>,
    /// What the user with this id did, themself or by a token.
    pub person: Option<String>,
    /// Entries of this kind.
    pub kind: Option<Kind>,
    /// From then on.
    pub since: Option<Timestamp>,
    /// Before then.
    pub until: Option<Timestamp>,
}

impl Wanted {
    /// Entries about one subject.
    #[must_use]
    pub fn about(subject: &str) -> Self {
        Self { subject: Some(subject.to_owned()), ..Self::default() }
    }

    /// Whether an entry, which is about the subject and of the time, is asked for.
    pub(crate) fn has(&self, entry: &Entry) -> bool {
        let actor = entry.actor.rsplit('/').next().and_then(|last| last.strip_prefix("user:"));
        self.person.as_deref().is_none_or(|person| actor == Some(person))
            && self.kind.is_none_or(|kind| Kind::of(&entry.action) == kind)
    }

    /// The id from which on entries are read.
    pub(crate) fn oldest(&self) -> String {
        self.since.map(|since| ids::sortable_floor(ids::AUDIT, since)).unwrap_or_default()
    }

    /// The id before which the first page begins.
    pub(crate) fn newest(&self) -> Option<String> {
        self.until.map(|until| ids::sortable_floor(ids::AUDIT, until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_action_is_of_one_kind() {
        for (action, kind) in [
            ("client.create", Kind::Created),
            ("admin-token.create", Kind::Created),
            ("invitation.make", Kind::Created),
            ("client.update", Kind::Changed),
            ("webhook-url.pause", Kind::Changed),
            ("something.new", Kind::Changed),
            ("secret.reveal", Kind::Shown),
            ("signing-key.rotate", Kind::Rotated),
            ("signing-key.end", Kind::Stopped),
            ("client.delete", Kind::Stopped),
            ("admin-token.end", Kind::Stopped),
            ("delivery.replay", Kind::Deliveries),
            ("replay.start", Kind::Deliveries),
            ("session.end", Kind::SignIns),
            ("user.sign-in", Kind::SignIns),
            ("user.sign-in-failures", Kind::Refused),
            ("access.refuse", Kind::Refused),
        ] {
            assert_eq!(Kind::of(action), kind, "{action}");
        }
        assert!(Kind::ALL.iter().all(|kind| Kind::from_name(kind.as_str()) == Some(*kind)));
    }
}
