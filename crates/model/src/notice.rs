//! Notices: operational events about clients, for whoever runs a workspace. They go to its notice URL the way of all webhooks.

use crate::client::ClientNumber;

/// Whose deliveries notices are: no client's.
pub const NOTICES: ClientNumber = ClientNumber(0);

/// What a notice tells. It stands where the method of other webhooks does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Every attempt to a webhook URL has failed for a good part of the time after which it is disabled.
    UrlFailing,
    /// A webhook URL was disabled: it took nothing for too long, or its receiver is gone.
    UrlDisabled,
    /// A client's secret comes to its end within a day.
    SecretExpiring,
}

impl Notice {
    /// Every notice.
    pub const ALL: [Self; 3] = [Self::UrlFailing, Self::UrlDisabled, Self::SecretExpiring];

    /// As it stands on the wire and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UrlFailing => "url.failing",
            Self::UrlDisabled => "url.disabled",
            Self::SecretExpiring => "secret.expiring",
        }
    }

    /// From that text.
    #[must_use]
    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.as_str() == text)
    }
}
