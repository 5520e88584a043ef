//! What the use cases count, for whoever watches a node.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::gate::Reason;

/// Every reason for a refusal with the name by which it is counted, in the order in which [`Reason`] declares them.
const REASONS: [(Reason, &str); 22] = [
    (Reason::SeveralAuthorizations, "several_authorizations"),
    (Reason::MalformedAuthorization, "malformed_authorization"),
    (Reason::TokenInQuery, "token_in_query"),
    (Reason::SeveralBusinessHeaders, "several_business_headers"),
    (Reason::NoToken, "no_token"),
    (Reason::UnreadableToken, "unreadable_token"),
    (Reason::ForgedToken, "forged_token"),
    (Reason::ExpiredToken, "expired_token"),
    (Reason::TokenFromTheFuture, "token_from_the_future"),
    (Reason::RevokedToken, "revoked_token"),
    (Reason::TokenBeforeCut, "token_before_cut"),
    (Reason::KilledSecret, "killed_secret"),
    (Reason::EndedSecret, "ended_secret"),
    (Reason::NoClient, "no_client"),
    (Reason::DisabledClient, "disabled_client"),
    (Reason::RevokedClient, "revoked_client"),
    (Reason::ForeignAddress, "foreign_address"),
    (Reason::NoWorkspace, "no_workspace"),
    (Reason::ForeignWorkspace, "foreign_workspace"),
    (Reason::OverLimit, "over_limit"),
    (Reason::UnknownVersion, "unknown_version"),
    (Reason::UnknownRoute, "unknown_route"),
];

/// The name by which a reason is counted.
#[must_use]
pub fn name_of(reason: Reason) -> &'static str {
    REASONS.get(reason as usize).map_or("", |(_, name)| name)
}

/// The reason that is explained in these words to a client's owner: by that a kept refusal names it.
pub(crate) fn explained_as(explanation: &str) -> Option<Reason> {
    REASONS.iter().map(|(reason, _)| *reason).find(|reason| reason.explanation() == explanation)
}

/// What was counted since this node started.
#[derive(Debug, Default)]
pub struct Counts {
    passed: AtomicU64,
    refused: [AtomicU64; REASONS.len()],
    tokens_issued: AtomicU64,
    tokens_refused: AtomicU64,
}

impl Counts {
    /// Counts a verdict of the gate.
    pub(crate) fn verdict(&self, refusal: Option<Reason>) {
        let counter = match refusal {
            None => Some(&self.passed),
            Some(reason) => self.refused.get(reason as usize),
        };
        if let Some(counter) = counter {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a request for a token.
    pub(crate) fn token(&self, issued: bool) {
        let counter = if issued { &self.tokens_issued } else { &self.tokens_refused };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Verdicts of the gate: `passed`, and each reason for a refusal.
    pub fn verdicts(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let refused = REASONS.iter().zip(&self.refused).map(|((_, name), counter)| (*name, counter));
        std::iter::once(("passed", &self.passed))
            .chain(refused)
            .map(|(name, counter)| (name, counter.load(Ordering::Relaxed)))
    }

    /// Requests for a token that were answered with one, and those that were refused.
    #[must_use]
    pub fn tokens(&self) -> (u64, u64) {
        (self.tokens_issued.load(Ordering::Relaxed), self.tokens_refused.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_counted_under_its_own_name() {
        for (place, (reason, name)) in REASONS.into_iter().enumerate() {
            assert_eq!(reason as usize, place, "{name}");
            let counts = Counts::default();
            counts.verdict(Some(reason));
            let counted: Vec<_> = counts.verdicts().filter(|(_, count)| *count > 0).collect();
            assert_eq!(counted, [(name, 1)]);
        }
    }
}
