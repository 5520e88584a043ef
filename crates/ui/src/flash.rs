//! What a page says once about the form that was sent before it.

use gatepost_core::Gatepost;
use http::HeaderMap;

use crate::cookies::{self, SetCookie};

const COOKIE: &str = "gatepost-flash";

/// One line after a change. Only its name travels, so nothing foreign gets onto a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flash {
    Saved,
    WorkspaceCreated,
    UrlAdded,
    UrlRemoved,
    UrlPaused,
    UrlResumed,
    UrlEnabled,
    OldKeysEnded,
    SentNow,
    Cancelled,
    SecretEnded,
    TokenEnded,
    Disabled,
    Enabled,
    Revoked,
    Deleted,
    Replayed,
    ChosenReplayed,
    ChosenCancelled,
    SecondFactorRemoved,
    Joined,
    RoleChanged,
    MemberRemoved,
    InvitationWithdrawn,
    WorkspaceRenamed,
    SessionEnded,
}

impl Flash {
    const ALL: &[(Self, &'static str, &'static str)] = &[
        (Self::Saved, "saved", "Saved. It was in force before this page answered."),
        (Self::WorkspaceCreated, "workspace-created", "The workspace is there, and you own it."),
        (
            Self::UrlAdded,
            "url-added",
            "The webhook URL is added. Every ticked method is sent to it from now on.",
        ),
        (Self::UrlRemoved, "url-removed", "The webhook URL is removed. Nothing is sent to it any more."),
        (Self::UrlPaused, "url-paused", "Paused. Deliveries to this URL wait until you resume it."),
        (Self::UrlResumed, "url-resumed", "Resumed. Events are sent to this URL again."),
        (Self::UrlEnabled, "url-enabled", "Enabled. Events are sent to this URL from now on."),
        (Self::OldKeysEnded, "old-keys-ended", "Only the newest signing key signs from now on."),
        (Self::SentNow, "sent-now", "It is sent now, rather than at its time."),
        (Self::Cancelled, "cancelled", "Cancelled. This delivery is not sent."),
        (Self::TokenEnded, "token-ended", "The API token is cut off. Programs that use it are refused."),
        (Self::SecretEnded, "secret-ended", "The secret has ended, and so have the tokens that it made."),
        (Self::Disabled, "disabled", "Disabled. Its secrets, tokens and webhooks stopped working."),
        (Self::Enabled, "enabled", "Enabled. It works again, and events are sent from now on."),
        (Self::Revoked, "revoked", "Revoked for good. Its secrets, tokens and webhooks stopped working."),
        (Self::Deleted, "deleted", "The client is deleted."),
        (Self::Replayed, "replayed", "Sent once more, as a new delivery of the same event."),
        (
            Self::ChosenReplayed,
            "chosen-replayed",
            "Sent once more, except what is pending or whose event is no longer kept.",
        ),
        (Self::ChosenCancelled, "chosen-cancelled", "Cancelled, except what was on its way or had ended."),
        (
            Self::SecondFactorRemoved,
            "second-factor-removed",
            "Signing in asks for your password alone again.",
        ),
        (Self::Joined, "joined", "You have joined. What you may do there is on this page."),
        (
            Self::RoleChanged,
            "role-changed",
            "The role is changed. It was in force before this page answered.",
        ),
        (Self::MemberRemoved, "member-removed", "Removed. They see nothing of the workspace any more."),
        (
            Self::InvitationWithdrawn,
            "invitation-withdrawn",
            "The invitation is withdrawn. Its link has ended.",
        ),
        (Self::WorkspaceRenamed, "workspace-renamed", "Renamed. Clients go on sending the same subdomain."),
        (Self::SessionEnded, "session-ended", "That session has ended. Whoever had it must sign in again."),
    ];

    /// What it says.
    pub(crate) fn text(self) -> &'static str {
        Self::ALL.iter().find(|(flash, ..)| *flash == self).map_or("", |(_, _, text)| text)
    }

    /// Has the next page say it.
    pub(crate) fn set(self, gatepost: &Gatepost) -> SetCookie {
        let name = Self::ALL.iter().find(|(flash, ..)| *flash == self).map_or("", |(_, name, _)| name);
        cookies::set_word(gatepost, COOKIE, name, 60)
    }

    /// What this page is to say.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let given = cookies::read(headers, COOKIE)?;
        Self::ALL.iter().find(|(_, name, _)| *name == given).map(|(flash, ..)| *flash)
    }

    /// Has no page say it again.
    pub(crate) fn clear(gatepost: &Gatepost) -> SetCookie {
        cookies::set_word(gatepost, COOKIE, "", 0)
    }
}
