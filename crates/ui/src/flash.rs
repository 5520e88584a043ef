//! What a page says once about the form that was sent before it.

use std::time::Duration;

use gatepost_core::Gatepost;
use gatepost_model::Timestamp;
use http::HeaderMap;

use crate::cookies::{self, SetCookie};
use crate::words;

const COOKIE: &str = "gatepost-flash";

/// What the name of [`Flash::Saved`] begins with, before its numbers.
const SAVED: &str = "saved.";

/// One line after a change. Only its name and numbers travel, so nothing foreign gets onto a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flash {
    Saved(Saved),
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
    ReplayStarted,
    ReplayPaused,
    ReplayResumed,
    ReplayCancelled,
    ChosenReplayed,
    ChosenCancelled,
    SecondFactorRemoved,
    Joined,
    RoleChanged,
    MemberRemoved,
    InvitationWithdrawn,
    WorkspaceRenamed,
    SessionEnded,
    NoticesRemoved,
}

/// Since when a change is in force, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Saved {
    /// When it was in force on the node that was asked.
    since: Timestamp,
    /// How long that took.
    took: Duration,
    /// How long it takes at most until it is in force on the other nodes; none where there is one node alone.
    bound: Option<Duration>,
}

impl Saved {
    /// The numbers, as the cookie carries them.
    fn written(self) -> String {
        let bound = self.bound.map(|bound| bound.as_millis().to_string()).unwrap_or_default();
        format!("{SAVED}{}.{}.{bound}", self.since.seconds(), self.took.as_millis())
    }

    fn read(word: &str) -> Option<Self> {
        let mut numbers = word.strip_prefix(SAVED)?.splitn(3, '.');
        let since = Timestamp::from_seconds(numbers.next()?.parse::<u32>().ok()?.into());
        let took = Duration::from_millis(numbers.next()?.parse::<u32>().ok()?.into());
        let bound = match numbers.next()? {
            "" => None,
            bound => Some(Duration::from_millis(bound.parse::<u32>().ok()?.into())),
        };
        Some(Self { since, took, bound })
    }

    fn text(self) -> String {
        let iso = self.since.iso();
        let (since, took) = (iso.get(11..19).unwrap_or_default(), words::took(self.took));
        match self.bound {
            None => format!("Saved. In force on every node since {since} UTC, after {took}."),
            Some(bound) => format!(
                "Saved. In force on this node since {since} UTC, after {took}, and on every other within {}: one that hears \
                 of no changes for longer refuses requests.",
                words::took(bound)
            ),
        }
    }
}

impl Flash {
    /// Says since when a change is in force, which somebody asked for at `asked`.
    ///
    /// A node tells the others of a change and does not wait for them: what is known of them is the bound after which one
    /// that was not told answers no requests (design.md "The gate").
    pub(crate) fn saved(gatepost: &Gatepost, asked: Timestamp) -> Self {
        let since = gatepost.now();
        let bound = gatepost.store().is_shared().then_some(gatepost.settings().feed_bound);
        Self::Saved(Saved { since, took: since.since(asked), bound })
    }

    const ALL: &[(Self, &'static str, &'static str)] = &[
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
            Self::ReplayStarted,
            "replay-started",
            "Started. It goes on by itself, also when you leave this page.",
        ),
        (Self::ReplayPaused, "replay-paused", "Paused. Nothing more is made until you resume it."),
        (Self::ReplayResumed, "replay-resumed", "Resumed where it stopped."),
        (
            Self::ReplayCancelled,
            "replay-cancelled",
            "Cancelled. What it made until now is sent all the same.",
        ),
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
        (
            Self::NoticesRemoved,
            "notices-removed",
            "Removed. Nobody is told of this workspace’s clients any more.",
        ),
        (Self::SessionEnded, "session-ended", "That session has ended. Whoever had it must sign in again."),
    ];

    /// The name and the text of one that has no numbers.
    fn known(self) -> (&'static str, &'static str) {
        let known = Self::ALL.iter().find(|(flash, ..)| *flash == self);
        known.map_or(("", ""), |(_, name, text)| (name, text))
    }

    /// What it says.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Saved(saved) => saved.text(),
            _ => self.known().1.to_owned(),
        }
    }

    /// Has the next page say it.
    pub(crate) fn set(self, gatepost: &Gatepost) -> SetCookie {
        let word = match self {
            Self::Saved(saved) => saved.written(),
            _ => self.known().0.to_owned(),
        };
        cookies::set_word(gatepost, COOKIE, &word, 60)
    }

    /// What this page is to say.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let given = cookies::read(headers, COOKIE)?;
        let saved = Saved::read(given).map(Self::Saved);
        saved.or_else(|| Self::ALL.iter().find(|(_, name, _)| *name == given).map(|(flash, ..)| *flash))
    }

    /// Has no page say it again.
    pub(crate) fn clear(gatepost: &Gatepost) -> SetCookie {
        cookies::set_word(gatepost, COOKIE, "", 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_change_survives_the_cookie_and_nothing_else_does() {
        let saved = |bound| Saved {
            since: Timestamp::from_seconds(1_795_521_600),
            took: Duration::from_millis(38),
            bound,
        };
        for (saved, text) in [
            (saved(None), "Saved. In force on every node since 12:00:00 UTC, after 38 ms."),
            (
                saved(Some(Duration::from_secs(2))),
                "Saved. In force on this node since 12:00:00 UTC, after 38 ms, and on every other within 2.0 s: one that \
                 hears of no changes for longer refuses requests.",
            ),
        ] {
            let read = Saved::read(&saved.written()).unwrap();
            assert_eq!((read, read.text().as_str()), (saved, text));
        }
        for odd in [
            "saved",
            "saved.",
            "saved.1",
            "saved.1.2",
            "saved.-1.2.",
            "saved.1.2.x",
            "saved.99999999999999999.2.",
        ] {
            assert_eq!(Saved::read(odd), None, "{odd}");
        }
    }
}
