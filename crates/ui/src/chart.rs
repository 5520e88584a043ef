//! Charts, drawn on the server as SVG: bars with what went wrong hanging below the axis, and lines. Each stands beside the
//! same numbers as a table, and says in a title what there is to see. Sizes are attributes, so that no style is inline.

use std::fmt::Write as _;
use std::time::Duration;

use askama::Template;

use crate::words::{number, took};

/// Where a chart ends at the right.
const RIGHT: f64 = 320.0;

/// Grid lines of one chart, at most.
const MOST_LINES: u64 = 3;

/// The numbers of a chart as a table.
#[derive(Template)]
#[template(path = "parts/chart_table.html")]
pub(crate) struct Table {
    pub(crate) caption: String,
    /// The first is about the names of the rows.
    pub(crate) heads: Vec<&'static str>,
    /// Each with its name.
    pub(crate) rows: Vec<(String, Vec<String>)>,
}

/// A span of time in a bar chart.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) above: u64,
    pub(crate) below: u64,
}

/// Bars above an axis, and others that hang below it on a scale of their own. The last is still growing.
#[derive(Template)]
#[template(path = "parts/bars.html")]
pub(crate) struct Bars {
    /// Unique on its page.
    pub(crate) id: &'static str,
    pub(crate) title: String,
    /// What the bars above and below are, in a word or two.
    pub(crate) keys: (&'static str, &'static str),
    pub(crate) columns: Vec<Column>,
    /// The beginning and the end, in words.
    pub(crate) ends: (String, &'static str),
}

/// Where one bar is.
struct Bar {
    class: &'static str,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

/// A line across the chart with its number.
struct GridLine {
    y: f64,
    label: String,
}

impl Bars {
    const LEFT: f64 = 28.0;
    const AXIS: f64 = 76.5;
    const HEIGHT: f64 = 68.0;
    /// So high is the longest bar below the axis.
    const DEPTH: f64 = 14.0;

    fn most_below(&self) -> u64 {
        self.columns.iter().map(|column| column.below).max().unwrap_or(0)
    }

    fn most_above(&self) -> u64 {
        self.columns.iter().map(|column| column.above).max().unwrap_or(0)
    }

    fn bars(&self) -> Vec<Bar> {
        let slot = (RIGHT - Self::LEFT) / self.columns.len().max(1) as f64;
        let (most, most_below) = (self.most_above(), self.most_below());
        let last = self.columns.len().saturating_sub(1);
        let mut bars = Vec::new();
        for (place, column) in self.columns.iter().enumerate() {
            let (x, width) = (Self::LEFT + slot * place as f64, slot * 0.8);
            if column.above > 0 {
                let class = if place == last { "bar-soft" } else { "bar" };
                let height = part(column.above, most, Self::HEIGHT);
                bars.push(Bar { class, x, y: Self::AXIS - 0.5 - height, width, height });
            }
            if column.below > 0 {
                let height = part(column.below, most_below, Self::DEPTH);
                bars.push(Bar { class: "bar-bad", x, y: Self::AXIS + 1.5, width, height });
            }
        }
        bars
    }

    fn grid(&self) -> Vec<GridLine> {
        let most = self.most_above();
        multiples(step(most), most)
            .map(|value| GridLine { y: Self::AXIS - part(value, most, Self::HEIGHT), label: short(value) })
            .collect()
    }
}

/// The median and the 95th percentile of how long something took, each a line; spans of time without any leave a gap.
#[derive(Template)]
#[template(path = "parts/lines.html")]
pub(crate) struct Lines {
    /// Unique on its page.
    pub(crate) id: &'static str,
    pub(crate) title: String,
    pub(crate) medians: Vec<Option<Duration>>,
    pub(crate) percentiles: Vec<Option<Duration>>,
    /// The beginning and the end, in words.
    pub(crate) ends: (String, &'static str),
}

impl Lines {
    const LEFT: f64 = 42.0;
    const AXIS: f64 = 78.5;
    const HEIGHT: f64 = 68.0;

    fn most(&self) -> u64 {
        self.medians.iter().chain(&self.percentiles).flatten().map(millis).max().unwrap_or(0)
    }

    /// The path of one of the lines.
    fn path(&self, values: &[Option<Duration>]) -> String {
        let slot = (RIGHT - Self::LEFT) / values.len().max(1) as f64;
        let most = self.most();
        let mut path = String::new();
        let value_at = |place: usize| values.get(place).copied().flatten();
        for (place, value) in values.iter().enumerate() {
            let Some(value) = value else { continue };
            let x = Self::LEFT + slot * (place as f64 + 0.5);
            let y = Self::AXIS - part(millis(value), most, Self::HEIGHT);
            let follows = place > 0 && value_at(place - 1).is_some();
            let leads = value_at(place + 1).is_some();
            // Writing to a string cannot fail.
            let _ = match (follows, leads) {
                (true, _) => write!(path, "L{x:.1} {y:.1}"),
                (false, true) => write!(path, "M{x:.1} {y:.1}"),
                // One that stands alone is as wide as its span of time.
                (false, false) => write!(path, "M{:.1} {y:.1}h{:.1}", x - slot * 0.4, slot * 0.8),
            };
        }
        path
    }

    fn grid(&self) -> Vec<GridLine> {
        let most = self.most();
        multiples(step(most), most)
            .map(|value| GridLine {
                y: Self::AXIS - part(value, most, Self::HEIGHT),
                label: if value >= 1_000 && value.is_multiple_of(1_000) {
                    format!("{} s", value / 1_000)
                } else {
                    took(Duration::from_millis(value))
                },
            })
            .collect()
    }
}

fn millis(duration: &Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// As high as `value` of `most`, and never too low to be seen.
fn part(value: u64, most: u64, height: f64) -> f64 {
    (value as f64 / most.max(1) as f64 * height).max(1.5)
}

/// The distance of grid lines: 1, 2 or 5 and zeros.
fn step(most: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        for step in [unit, unit.saturating_mul(2), unit.saturating_mul(5)] {
            if most / step <= MOST_LINES {
                return step;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

fn multiples(step: u64, most: u64) -> impl Iterator<Item = u64> {
    (1..=most / step).map(move |times| times * step)
}

/// Short enough to stand beside a grid line.
fn short(value: u64) -> String {
    match value {
        0..1_000 => number(value),
        1_000..1_000_000 => tenths(value, 1_000, "k"),
        _ => tenths(value, 1_000_000, "M"),
    }
}

fn tenths(value: u64, unit: u64, sign: &str) -> String {
    match value * 10 / unit % 10 {
        0 => format!("{}{sign}", value / unit),
        tenth => format!("{}.{tenth}{sign}", value / unit),
    }
}

/// A share in percent, never rounded up: 100% is all.
pub(crate) fn percent(of: u64, all: u64) -> String {
    tenths(of.saturating_mul(1_000) / all.max(1), 10, "%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grid_lines_are_few_and_round() {
        for (most, step_found) in [(0, 1), (3, 1), (4, 2), (7, 2), (9, 5), (2_455, 1_000), (7_000, 2_000)] {
            assert_eq!(step(most), step_found, "{most}");
        }
        assert_eq!([short(500), short(1_500), short(20_000), short(3_000_000)], ["500", "1.5k", "20k", "3M"]);
    }

    #[test]
    fn only_all_is_a_hundred_percent() {
        let shares = [percent(1, 1), percent(9_999, 10_000), percent(1, 3), percent(0, 5), percent(0, 0)];
        assert_eq!(shares, ["100%", "99.9%", "33.3%", "0%", "0%"]);
    }

    #[test]
    fn lines_have_gaps_where_nothing_was_sent() {
        let at = |millis| Some(Duration::from_millis(millis));
        let medians = vec![at(10), None, at(20), at(40), None];
        let lines = Lines {
            id: "c",
            title: String::new(),
            percentiles: vec![None; 5],
            medians,
            ends: (String::new(), "Now"),
        };
        let path = lines.path(&lines.medians);
        assert_eq!(path.matches('M').count(), 2, "{path}");
        assert_eq!((path.matches('h').count(), path.matches('L').count()), (1, 1), "{path}");
        assert!(path.ends_with("10.5"), "the highest is at the top: {path}");
    }
}
