//! One page of a list, as the text of a JSON array.
//!
//! Records are kept as JSON text and leave as that text: a page is spliced together, not written anew. In the order of
//! ids a list is read only as far as its page goes; in any other order no more is held in memory than the records that
//! may still be on the page.

use std::ops::ControlFlow;

use gatepost_catalog::{Filter, ListQuery};
use gatepost_model::{WorkspaceNumber, ids};
use gatepost_store::tables::records;
use gatepost_store::{StoreError, Tx};
use serde_json::Value;

use super::{is_archived, parse};

/// Where a list's records come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// The records of one entity type.
    Type(String),
    /// The archived records of every type.
    Archive,
}

/// The page that `query` asks for.
pub(super) fn read(
    tx: &Tx<'_>,
    workspace: WorkspaceNumber,
    source: &Source,
    query: &ListQuery,
) -> Result<String, StoreError> {
    let ids = query.filter.ids();
    let descending = ids.is_none() && query.sort.is_by_id_descending();
    let in_order = query.sort.is_by_id() || descending;
    let mut page = Page::new(query, in_order && matches!(source, Source::Type(_)));
    match (source, ids) {
        (Source::Type(entity_type), Some(ids)) => {
            for id in ids.into_iter().filter(|id| ids::is_record_id(id)) {
                if let Some(text) = records::lookup(tx, workspace, entity_type, id)?
                    && page.consider(&text)?.is_break()
                {
                    break;
                }
            }
        }
        (Source::Type(entity_type), None) => {
            records::scan(tx, workspace, entity_type, descending, |text| page.consider(text))?;
        }
        (Source::Archive, _) => records::scan_all_types(tx, workspace, |text, entity_type| {
            // Most records are not archived, and most of those can be told without reading them.
            if !text.contains("\"isArchived\"") {
                return Ok(ControlFlow::Continue(()));
            }
            let mut record = parse(text)?;
            if !is_archived(&record) {
                return Ok(ControlFlow::Continue(()));
            }
            record.insert(String::from("entityType"), Value::from(entity_type));
            let record = Value::Object(record);
            let text = record.to_string();
            Ok(page.offer(record, &text))
        })?,
    }
    Ok(page.into_text())
}

/// What has been found for a page so far.
enum Found {
    /// The page, as records come in its order.
    InOrder { skipped: usize, page: Array },
    /// The best records of those seen, in no order, when they come in another one.
    Best { kept: Vec<(Value, String)>, room: usize },
}

struct Page<'a> {
    query: &'a ListQuery,
    /// Whether every record is on the list, so that none has to be read.
    everything: bool,
    found: Found,
}

impl<'a> Page<'a> {
    fn new(query: &'a ListQuery, in_order: bool) -> Self {
        let found = if in_order {
            Found::InOrder { skipped: 0, page: Array::default() }
        } else {
            Found::Best { kept: Vec::new(), room: query.skip.saturating_add(query.limit) }
        };
        let everything = in_order && !query.hides_templates && query.filter == Filter::everything();
        Self { query, everything, found }
    }

    /// Takes a record if it is on the list; breaks off once the page is full.
    fn consider(&mut self, text: &str) -> Result<ControlFlow<()>, StoreError> {
        if self.everything {
            return Ok(self.keep(Value::Null, text));
        }
        Ok(self.offer(Value::Object(parse(text)?), text))
    }

    fn offer(&mut self, record: Value, text: &str) -> ControlFlow<()> {
        if self.query.matches(&record) { self.keep(record, text) } else { ControlFlow::Continue(()) }
    }

    fn keep(&mut self, record: Value, text: &str) -> ControlFlow<()> {
        match &mut self.found {
            Found::InOrder { skipped, .. } if *skipped < self.query.skip => *skipped += 1,
            Found::InOrder { page, .. } => {
                page.push(text);
                if page.len == self.query.limit {
                    return ControlFlow::Break(());
                }
            }
            Found::Best { kept, room } => {
                kept.push((record, text.to_owned()));
                // Thinning out at twice the room costs each record a constant.
                if kept.len() >= room.saturating_mul(2) {
                    kept.select_nth_unstable_by(*room, |left, right| self.query.compare(&left.0, &right.0));
                    kept.truncate(*room);
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn into_text(self) -> String {
        match self.found {
            Found::InOrder { page, .. } => page.into_text(),
            Found::Best { mut kept, .. } => {
                kept.sort_unstable_by(|left, right| self.query.compare(&left.0, &right.0));
                array(kept.iter().skip(self.query.skip).take(self.query.limit).map(|(_, text)| text.as_str()))
            }
        }
    }
}

/// The JSON array of texts that are JSON themselves.
pub fn array<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut array = Array::default();
    texts.into_iter().for_each(|text| array.push(text));
    array.into_text()
}

/// A JSON array in the making.
#[derive(Default)]
struct Array {
    text: String,
    len: usize,
}

impl Array {
    fn push(&mut self, element: &str) {
        self.text.push(if self.len == 0 { '[' } else { ',' });
        self.text.push_str(element);
        self.len += 1;
    }

    fn into_text(mut self) -> String {
        if self.len == 0 {
            self.text.push('[');
        }
        self.text.push(']');
        self.text
    }
}
