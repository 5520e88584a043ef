//! What is printed: a table for people, JSON for programs.

use std::fmt::Write;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::figure::{Figure, Spread};
use crate::machine::Others;
use crate::rows::Work;
use crate::run::Outcome;

/// Medians over the rounds of one row; those with a range say it as `[least, most]`.
#[derive(Serialize)]
struct Line {
    name: &'static str,
    /// Product / limit in throughput, round by round.
    ratio: f64,
    ratio_range: [f64; 2],
    target_ratio: Option<f64>,
    cpu_us: f64,
    cpu_us_range: [f64; 2],
    target_cpu_us: f64,
    met: bool,
    product_per_s: f64,
    limit_per_s: f64,
    limit_cpu_us: f64,
    rounds: usize,
    /// Median time of a sync, for rows that wait for them.
    sync_ms: Option<f64>,
}

impl Line {
    fn of(outcome: &Outcome, sync: Duration) -> Self {
        let spread = |value: fn(&(Figure, Figure)) -> f64| Spread::of(outcome.rounds.iter().map(value));
        let ratio = spread(|(product, limit)| product.per_second / limit.per_second);
        let cpu = spread(|(product, _)| product.cpu_us);
        let target = &outcome.row.target;
        let durable = matches!(outcome.row.work, Work::Write { .. } | Work::Delivered { .. });
        Self {
            name: outcome.row.name,
            ratio: rounded(ratio.median, 3),
            ratio_range: [rounded(ratio.least, 3), rounded(ratio.most, 3)],
            target_ratio: target.ratio,
            cpu_us: rounded(cpu.median, 1),
            cpu_us_range: [rounded(cpu.least, 1), rounded(cpu.most, 1)],
            target_cpu_us: target.cpu_us,
            met: target.ratio.is_none_or(|least| ratio.median >= least) && cpu.median <= target.cpu_us,
            product_per_s: spread(|(product, _)| product.per_second).median.round(),
            limit_per_s: spread(|(_, limit)| limit.per_second).median.round(),
            limit_cpu_us: rounded(spread(|(_, limit)| limit.cpu_us).median, 1),
            rounds: outcome.rounds.len(),
            sync_ms: durable.then(|| rounded(sync.as_secs_f64() * 1e3, 3)),
        }
    }
}

fn rounded(value: f64, places: i32) -> f64 {
    let scale = 10f64.powi(places);
    (value * scale).round() / scale
}

/// A JSON array of one object for each row.
pub(crate) fn json(outcomes: &[Outcome], sync: Duration) -> Result<String> {
    let lines: Vec<Line> = outcomes.iter().map(|outcome| Line::of(outcome, sync)).collect();
    Ok(serde_json::to_string_pretty(&lines)?)
}

/// A table, and what one has to know to read it.
pub(crate) fn table(outcomes: &[Outcome], sync: Duration, others: Others) -> String {
    let mut text = format!(
        "{:<27} {:>9} {:>9}  {:<19} {:>6}  {:<21} {:>6} {:>9}  {}\n",
        "row", "product/s", "limit/s", "ratio", "target", "CPU µs", "target", "limit CPU", "met"
    );
    for outcome in outcomes {
        let line = Line::of(outcome, sync);
        let ratio = format!("{:.2} ({:.2}–{:.2})", line.ratio, line.ratio_range[0], line.ratio_range[1]);
        let cpu = format!("{:.1} ({:.1}–{:.1})", line.cpu_us, line.cpu_us_range[0], line.cpu_us_range[1]);
        let target = line.target_ratio.map_or_else(|| String::from("–"), |least| format!("{least:.2}"));
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "{:<27} {:>9.0} {:>9.0}  {ratio:<19} {target:>6}  {cpu:<21} {:>6.0} {:>9.1}  {}",
            line.name,
            line.product_per_s,
            line.limit_per_s,
            line.target_cpu_us,
            line.limit_cpu_us,
            if line.met { "yes" } else { "no" }
        );
    }
    let rounds = outcomes.first().map_or(0, |outcome| outcome.rounds.len());
    let _ = writeln!(
        text,
        "\nMedians (least–most) of {rounds} rounds; a sync of 4 KiB takes {:.2} ms (median); others used {:.0} % of a core.",
        sync.as_secs_f64() * 1e3,
        100.0 * others.0
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::ROWS;

    fn outcome(product: Figure, limit: Figure) -> Outcome {
        Outcome { row: &ROWS[0], rounds: vec![(product, limit)] }
    }

    #[test]
    fn a_target_is_met_in_both_respects_or_not_at_all() {
        let limit = Figure { per_second: 50_000.0, cpu_us: 18.0 };
        let met =
            |per_second, cpu_us| Line::of(&outcome(Figure { per_second, cpu_us }, limit), Duration::ZERO).met;
        assert!(met(35_000.0, 26.0));
        assert!(!met(34_000.0, 20.0));
        assert!(!met(40_000.0, 27.0));
    }

    #[test]
    fn json_has_what_programs_rely_on() {
        let figure = Figure { per_second: 10.0, cpu_us: 2.0 };
        let text = json(&[outcome(figure, figure)], Duration::ZERO).unwrap();
        let lines: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(lines[0]["name"], "token");
        assert_eq!(lines[0]["ratio"], 1.0);
        assert_eq!(lines[0]["cpu_us"], 2.0);
    }
}
