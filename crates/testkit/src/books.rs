//! What stands in the nodes' database, read past the nodes: a test that keeps accounts must not ask those whom it checks.

use crate::cluster::Cluster;
use crate::postgres::Postgres;

const PENDING: &str = "SELECT count(*) FROM delivery WHERE state = 0";

const TASKS: &str = "SELECT CAST(body AS JSON) ->> 'title' FROM record WHERE entity_type = 'task' ORDER BY 1";

const EVENTS: &str =
    "SELECT e.id, e.record_id, CAST(e.record AS JSON) ->> 'title', d.id, d.state, d.attempts,
    (SELECT string_agg(number || ' ' || outcome, ',' ORDER BY number) FROM attempt WHERE delivery_id = d.id)
    FROM event e LEFT JOIN delivery d ON d.event_id = e.id";

const PROCESSES: &str = "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()";

/// An event, with the one delivery that it caused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    /// `evt_…`
    pub event: String,
    /// The record that it is about.
    pub record: String,
    /// The record's title.
    pub title: String,
    /// `dlv_…`
    pub delivery: String,
    /// Whether the delivery has come to a good end.
    pub delivered: bool,
    /// How many tries it counts.
    pub attempts: usize,
    /// The tries that are recorded, by their number: `1 timeout`, `2 delivered`.
    pub tries: Vec<String>,
}

impl Cluster {
    /// How many deliveries have not come to an end.
    #[must_use]
    pub fn pending(&self, postgres: &Postgres) -> String {
        self.sql(postgres, PENDING).trim().to_owned()
    }

    /// The titles of all tasks, in their order.
    #[must_use]
    pub fn task_titles(&self, postgres: &Postgres) -> Vec<String> {
        self.sql(postgres, TASKS).lines().map(ToOwned::to_owned).collect()
    }

    /// Every event. One with several deliveries stands there several times.
    ///
    /// # Panics
    /// If one has no delivery.
    #[must_use]
    #[expect(clippy::panic, reason = "accounts that cannot be read are wrong")]
    pub fn events(&self, postgres: &Postgres) -> Vec<Booked> {
        let lines = self.sql(postgres, EVENTS);
        lines
            .lines()
            .map(|line| booked(line).unwrap_or_else(|| panic!("no event of one delivery: {line}")))
            .collect()
    }

    fn sql(&self, postgres: &Postgres, statement: &str) -> String {
        let schema = self.database().rsplit("%3D").next().unwrap_or_default();
        postgres.execute(&format!("SET search_path = {schema}; {statement}"))
    }
}

/// The processes of the database server that do work for somebody, by their ids.
#[must_use]
pub fn processes(postgres: &Postgres) -> Vec<u32> {
    postgres.execute(PROCESSES).lines().filter_map(|id| id.trim().parse().ok()).collect()
}

fn booked(line: &str) -> Option<Booked> {
    let fields: Vec<&str> = line.split('|').collect();
    let [event, record, title, delivery, state, attempts, tries] = fields[..] else { return None };
    Some(Booked {
        event: event.to_owned(),
        record: record.to_owned(),
        title: title.to_owned(),
        delivery: delivery.to_owned(),
        delivered: state == "1",
        attempts: attempts.parse().ok()?,
        tries: tries.split(',').filter(|text| !text.is_empty()).map(ToOwned::to_owned).collect(),
    })
}
