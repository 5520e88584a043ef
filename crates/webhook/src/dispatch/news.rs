//! What attempts say about their webhook URL, and writing that down: the clock of one that takes nothing is started, that of
//! one that takes what it gets is ended, and one that is gone gets nothing more.

use std::collections::BTreeMap;
use std::time::Duration;

use gatepost_model::{ClientNumber, FailureClock, Timestamp};
use gatepost_store::tables::{url_clocks, webhook_urls};
use gatepost_store::{StoreError, Tx};

use super::settle;

/// What one attempt says.
#[derive(Clone, Debug)]
pub struct News {
    /// Whose URL it is.
    pub client: ClientNumber,
    /// The webhook URL.
    pub url_id: String,
    /// What was found out.
    pub found: Found,
}

/// What an attempt found out about a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Its receiver took the delivery.
    Takes,
    /// It did not, at this moment. Nothing but that for so long, and the URL is disabled.
    Fails(Timestamp, Duration),
    /// It is gone for good.
    Gone,
}

/// What several attempts in a row say about one URL.
#[derive(Debug, Default)]
struct Standing {
    has_taken: bool,
    /// Runs since the first attempt that failed after the last one that did not.
    failing: Option<FailureClock>,
    gone: Option<ClientNumber>,
}

impl Standing {
    fn add(&mut self, news: &News) {
        match news.found {
            Found::Takes => *self = Self { has_taken: true, failing: None, gone: self.gone },
            Found::Fails(at, length) => {
                self.failing.get_or_insert_with(|| FailureClock::started(at, length)).last = at;
            }
            Found::Gone => self.gone = Some(news.client),
        }
    }
}

/// Writes down what these attempts say, oldest first. In the order of URLs, so that two nodes never wait for each other. A
/// URL that has no clock and takes what it gets costs no change of a row.
pub(super) fn record<'a>(tx: &Tx<'_>, all: impl Iterator<Item = &'a News>) -> Result<(), StoreError> {
    let mut standings: BTreeMap<&str, Standing> = BTreeMap::new();
    for news in all {
        standings.entry(&news.url_id).or_default().add(news);
    }
    for (url_id, standing) in standings {
        if standing.has_taken {
            url_clocks::succeed(tx, url_id)?;
        }
        if let Some(clock) = standing.failing {
            url_clocks::move_on(tx, url_id, &clock)?;
        }
        if let Some(client) = standing.gone {
            webhook_urls::disable(tx, client, url_id, settle::GONE)?;
        }
    }
    Ok(())
}
