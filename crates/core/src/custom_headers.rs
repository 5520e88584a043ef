//! Headers that are sent along to a webhook URL. Their values are kept like secrets, and shown to nobody: whoever does not know
//! one any more sets it anew.

use std::sync::Arc;

use gatepost_keys::{Plain, Sealing};
use gatepost_model::custom_header::{self, CustomHeader, MOST_HEADERS};
use gatepost_model::{ApiClient, WebhookUrl};

use crate::webhook_urls::UrlAt;
use crate::{Actor, Error, Gatepost};

/// What is to become of one header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderChange {
    /// Its name, in any case.
    pub name: String,
    /// Its value; none takes the header away.
    pub value: Option<Plain>,
}

impl Gatepost {
    /// Sets, replaces or takes away headers that are sent to a webhook URL.
    ///
    /// # Errors
    /// If there is no such client or URL for the actor, the revision is another, a name or value cannot be sent or is
    /// reserved, a header to be taken away is not there, there would be too many, or the store fails.
    pub async fn change_webhook_headers(
        self: &Arc<Self>,
        actor: &Actor,
        at: UrlAt<'_>,
        changes: Vec<HeaderChange>,
    ) -> Result<ApiClient, Error> {
        let this = Arc::clone(self);
        let change = move |url: &mut WebhookUrl, _| this.apply_headers(url, &changes);
        Ok(self.change_url(actor, at, "webhook-url.headers", change).await?.0)
    }

    /// The same, for a URL in hand.
    pub(crate) fn apply_headers(&self, url: &mut WebhookUrl, changes: &[HeaderChange]) -> Result<(), Error> {
        for HeaderChange { name, value } in changes {
            let name = custom_header::checked_name(name)
                .map_err(|problem| Error::invalid("headers", problem.to_string()))?;
            let place = url.headers.binary_search_by(|header| header.name.cmp(&name));
            let Some(value) = value else {
                let place = place.map_err(|_| Error::not_found("header", &name))?;
                url.headers.remove(place);
                continue;
            };
            custom_header::check_value(value.expose())
                .map_err(|problem| Error::invalid("headers", format!("{name}: {problem}")))?;
            let sealed = self.keyring.seal(value, Sealing::Header(&url.id, &name), &*self.random);
            match place {
                Ok(place) => url.headers[place].sealed = sealed,
                Err(place) => url.headers.insert(place, CustomHeader { name, sealed }),
            }
        }
        if url.headers.len() > MOST_HEADERS {
            let problem = format!("a webhook URL can have {MOST_HEADERS} headers at most");
            return Err(Error::invalid("headers", problem));
        }
        Ok(())
    }
}
