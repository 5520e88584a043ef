//! What a client did: its calls, and what was sent to its webhook URLs, over a day or a week.

use std::collections::BTreeMap;
use std::time::Duration;

use askama::Template;
use gatepost_core::Gatepost;
use gatepost_core::attempts::{self, Ends};
use gatepost_core::calls::{self, Counted, Tally, day_of, hour_of};
use gatepost_model::{ApiClient, Timestamp};

use crate::chart::{Bars, Column, Lines, Table, percent};
use crate::failure::Failure;
use crate::words::{date, number, took};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// How far back one looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Span {
    /// 24 hours, by hour.
    Day,
    /// 7 days, by day.
    #[default]
    Week,
}

impl Span {
    /// As it stands in an address; a week unless it says otherwise.
    pub(super) fn from_name(name: &str) -> Self {
        if name == "day" { Self::Day } else { Self::Week }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Day => "24 hours",
            Self::Week => "7 days",
        }
    }

    /// What stands beside the numbers of one column.
    const fn column(self) -> &'static str {
        match self {
            Self::Day => "Hour, UTC",
            Self::Week => "Day, UTC",
        }
    }

    /// The beginning of each column; the last has begun and goes on.
    fn columns(self, now: Timestamp) -> Vec<Timestamp> {
        let (last, many, length) = match self {
            Self::Day => (hour_of(now), 24, HOUR),
            Self::Week => (day_of(now), 7, DAY),
        };
        (0..many).rev().map(|back| last.minus(length * back)).collect()
    }

    /// The column that an hour belongs to.
    fn column_of(self, hour: Timestamp) -> Timestamp {
        match self {
            Self::Day => hour,
            Self::Week => day_of(hour),
        }
    }

    fn label(self, column: Timestamp, now: Timestamp) -> String {
        match self {
            Self::Day => column.iso().get(11..16).unwrap_or_default().to_owned(),
            Self::Week => date(column, now),
        }
    }

    /// The first and the last column, in words.
    fn ends(self, columns: &[Timestamp], now: Timestamp) -> (String, &'static str) {
        let first = columns.first().map(|first| self.label(*first, now)).unwrap_or_default();
        (first, if self == Self::Day { "Now" } else { "Today" })
    }
}

#[derive(Template)]
#[template(path = "client/activity.html")]
pub(super) struct Activity<'a> {
    client: &'a ApiClient,
    span: Span,
    calls: Tally,
    calls_chart: Option<(Bars, Table)>,
    ends: Ends,
    deliveries_chart: Option<(Bars, Table)>,
    times_chart: Option<(Lines, Table)>,
}

/// Draws what a client did. `calls` are those of the last 7 days at least.
pub(super) async fn drawn<'a>(
    gatepost: &Gatepost,
    client: &'a ApiClient,
    calls: &[Counted],
    span: Span,
    now: Timestamp,
) -> Result<Activity<'a>, Failure> {
    let columns = span.columns(now);
    let first = columns.first().copied().unwrap_or(now);
    let calls = match span {
        Span::Day => calls::by_hour(calls),
        Span::Week => calls::by_day(calls),
    };
    let attempts = gatepost.attempts_by_hour(client.number, first).await?;
    let attempts = attempts::grouped(&attempts, |hour| span.column_of(hour));
    let drawing = Drawing { span, columns, now };
    let (mut all_calls, mut all_ends) = (Tally::default(), Ends::default());
    for column in &drawing.columns {
        let tally = calls.get(column).copied().unwrap_or_default();
        all_calls =
            Tally { passed: all_calls.passed + tally.passed, refused: all_calls.refused + tally.refused };
        all_ends.merge(attempts.get(column).unwrap_or(&Ends::default()));
    }
    let was_called = all_calls.passed + all_calls.refused > 0;
    Ok(Activity {
        client,
        span,
        calls_chart: was_called.then(|| drawing.calls(&calls)),
        deliveries_chart: (all_ends.total() > 0).then(|| drawing.deliveries(&attempts)),
        times_chart: (all_ends.delivered > 0).then(|| drawing.times(&attempts, &all_ends)),
        calls: all_calls,
        ends: all_ends,
    })
}

impl Activity<'_> {
    fn share(&self) -> String {
        percent(self.ends.delivered, self.ends.total())
    }

    fn median(&self) -> String {
        self.ends.median().map(took).unwrap_or_default()
    }

    fn spans(&self) -> [(Span, &'static str); 2] {
        [(Span::Day, "day"), (Span::Week, "week")]
    }
}

/// What all charts of one page share.
struct Drawing {
    span: Span,
    columns: Vec<Timestamp>,
    now: Timestamp,
}

impl Drawing {
    fn calls(&self, calls: &BTreeMap<Timestamp, Tally>) -> (Bars, Table) {
        let at = |column: &Timestamp| calls.get(column).copied().unwrap_or_default();
        let bars = self.bars("calls", ("Passed", "Refused"), |column| {
            let tally = at(column);
            Column { above: tally.passed, below: tally.refused }
        });
        let table = self.table("Calls", vec!["Passed", "Refused"], |column| {
            let tally = at(column);
            vec![number(tally.passed), number(tally.refused)]
        });
        (bars, table)
    }

    fn deliveries(&self, attempts: &BTreeMap<Timestamp, Ends>) -> (Bars, Table) {
        let none = Ends::default();
        let at = |column: &Timestamp| attempts.get(column).unwrap_or(&none);
        let bars = self.bars("deliveries", ("Delivered", "Failed attempts"), |column| {
            let ends = at(column);
            Column { above: ends.delivered, below: ends.failed }
        });
        let heads = vec!["Delivered", "Failed", "Success"];
        let table = self.table("Deliveries", heads, |column| {
            let ends = at(column);
            let share = match ends.total() {
                0 => String::from("none"),
                total => percent(ends.delivered, total),
            };
            vec![number(ends.delivered), number(ends.failed), share]
        });
        (bars, table)
    }

    fn times(&self, attempts: &BTreeMap<Timestamp, Ends>, all: &Ends) -> (Lines, Table) {
        let of = |take: fn(&Ends) -> Option<Duration>| -> Vec<Option<Duration>> {
            self.columns.iter().map(|column| attempts.get(column).and_then(take)).collect()
        };
        let (medians, percentiles) = (of(Ends::median), of(Ends::p95));
        let said = |time: Option<Duration>| time.map_or_else(|| String::from("none"), took);
        let lines = Lines {
            id: "times",
            title: format!(
                "How long webhook URLs took to answer delivered attempts, {}: median {}, 95th percentile {} in all; slowest \
                 95th percentile {}.",
                self.words(),
                said(all.median()),
                said(all.p95()),
                said(percentiles.iter().flatten().max().copied()),
            ),
            medians,
            percentiles,
            ends: self.span.ends(&self.columns, self.now),
        };
        let table = self.table("Webhook answer time", vec!["Median", "95th percentile"], |column| {
            let ends = attempts.get(column);
            vec![said(ends.and_then(Ends::median)), said(ends.and_then(Ends::p95))]
        });
        (lines, table)
    }

    fn bars(
        &self,
        id: &'static str,
        keys: (&'static str, &'static str),
        column: impl Fn(&Timestamp) -> Column,
    ) -> Bars {
        let columns: Vec<Column> = self.columns.iter().map(column).collect();
        let most = |value: fn(&Column) -> u64| number(columns.iter().map(value).max().unwrap_or(0));
        let title = format!(
            "{}, {}: at most {} {} and {} {} in one.",
            if id == "calls" { "Calls" } else { "Deliveries" },
            self.words(),
            most(|column| column.above),
            keys.0.to_lowercase(),
            most(|column| column.below),
            keys.1.to_lowercase(),
        );
        Bars { id, title, keys, columns, ends: self.span.ends(&self.columns, self.now) }
    }

    fn table(
        &self,
        what: &str,
        heads: Vec<&'static str>,
        cells: impl Fn(&Timestamp) -> Vec<String>,
    ) -> Table {
        let rows = self.columns.iter().map(|column| (self.span.label(*column, self.now), cells(column)));
        Table {
            caption: format!("{what}, {}", self.words()),
            heads: std::iter::once(self.span.column()).chain(heads).collect(),
            rows: rows.collect(),
        }
    }

    /// "7 days by day", "24 hours by hour".
    const fn words(&self) -> &'static str {
        match self.span {
            Span::Day => "24 hours by hour",
            Span::Week => "7 days by day",
        }
    }
}
