//! A deployment that has been in use for a while: so many clients and deliveries, with all that comes with them, stored
//! by the database itself, past the use cases.
//!
//! Rows are made from their numbers, an hour of them with one statement, so that a million takes a minute. One client
//! has a tenth of everything. Nothing is due: the dispatcher leaves pending deliveries alone.

use std::time::Duration;

use gatepost_core::gate::Reason;
use gatepost_model::{Timestamp, ids};
use gatepost_store::{Sql, StoreError, Tx, params};

use crate::app::App;

const HOUR: Duration = Duration::from_secs(3600);

/// So many hours before now the deployment came into use.
const HOURS: u32 = 25 * 24;

/// Calls and attempts are counted as long as this.
const COUNTED_HOURS: u32 = 7 * 24;

/// In place of hashes and sealed secrets: nobody signs in or is sent anything with them.
const NOTHING: &[u8] = &[0];

/// Of every client.
const METHODS_TICKED: [&str; 6] =
    ["task.create", "task.edit", "task.remove", "contact.create", "contact.edit", "contact.remove"];

/// People in each workspace.
const PEOPLE: u32 = 20;

/// How much there is.
#[derive(Clone, Copy, Debug)]
pub struct Bulk {
    /// Workspaces, `workspace-1` and so on. There must be none before.
    pub workspaces: u32,
    /// API clients, each in one workspace, every tenth in three.
    pub clients: u32,
    /// Deliveries, each with an event and an attempt, of which every fiftieth has failed; and for every second of them an
    /// audit entry and a refused request.
    pub deliveries: u32,
}

impl Bulk {
    /// Stores it, and makes this user the owner of all its workspaces.
    ///
    /// # Panics
    /// If a row does not fit.
    #[expect(clippy::expect_used, reason = "a test without its rows cannot go on")]
    pub async fn load(&self, app: &App, owner: &str) {
        let (gatepost, now) = (app.gatepost(), app.gatepost().now());
        let start = now.minus(HOUR * HOURS);
        gatepost.store().create_days(start, now).await.expect("days to keep rows in");
        let (bulk, owner) = (*self, owner.to_owned());
        let made = gatepost.store().write(move |tx| bulk.load_clients(tx, start, &owner));
        made.await.expect("workspaces, people and clients");
        for hour in 0..HOURS {
            let at = start.plus(HOUR * hour);
            gatepost.store().write(move |tx| bulk.load_hour(tx, hour, at, now)).await.expect("an hour");
        }
        for days in 0..8 {
            let at = now.minus(HOUR * 24 * days);
            gatepost.store().write(move |tx| bulk.load_day(tx, at)).await.expect("a day");
        }
    }

    fn load_clients(&self, tx: &Tx<'_>, start: Timestamp, owner: &str) -> Result<(), StoreError> {
        let (head, at) = (&head(start), start);
        tx.exec(&WORKSPACES, params![head, at, self.workspaces])?;
        tx.exec(&PERSONS, params![head, at, self.workspaces * PEOPLE])?;
        tx.exec(&MEMBERSHIPS, params![head, self.workspaces * PEOPLE, self.workspaces])?;
        tx.exec(&OWNED, params![owner])?;
        tx.exec(&CLIENTS, params![head, at, self.clients])?;
        tx.exec(&ENABLED, params![self.clients, self.workspaces])?;
        tx.exec(&SECRETS, params![self.clients, NOTHING, at])?;
        for method in METHODS_TICKED {
            tx.exec(&METHODS, params![method])?;
        }
        tx.exec(&URLS, params![head, at])?;
        tx.exec(&KEYS, params![NOTHING])?;
        tx.exec(&SUBSCRIPTIONS, params![])?;
        tx.exec(&USES, params![at])?;
        for (counter, value) in [("workspace", self.workspaces), ("api_client", self.clients)] {
            tx.exec(&COUNTER, params![counter, value])?;
        }
        Ok(())
    }

    fn load_hour(&self, tx: &Tx<'_>, hour: u32, at: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        let share = |all: u32| {
            let upto = |hour: u32| i64::from(all) * i64::from(hour) / i64::from(HOURS);
            (upto(hour), upto(hour + 1))
        };
        let (head, later) = (&head(at), now.plus(HOUR * 24 * 7));
        let (first, end) = share(self.deliveries);
        if first < end {
            let rows = params![head, at, first, end, self.clients, self.workspaces];
            tx.exec(&EVENTS, rows)?;
            tx.exec(&DELIVERIES, params![head, at, first, end, self.clients, self.workspaces, later])?;
            tx.exec(&ATTEMPTS, rows)?;
        }
        let (first, end) = share(self.deliveries / 2);
        if first < end {
            tx.exec(&AUDIT, params![head, at, first, end, self.clients])?;
        }
        let (first, end) = share(self.deliveries / 2);
        if first < end {
            let detail = Reason::ForeignWorkspace.explanation();
            tx.exec(&REFUSALS, params![head, at, first, end, self.clients, detail])?;
        }
        if hour >= HOURS - COUNTED_HOURS {
            let whole = Timestamp::from_seconds(at.seconds() / 3600 * 3600);
            for statement in [&CALLS, &SECRET_CALLS, &TRIES] {
                tx.exec(statement, params![whole, hour, self.clients, self.workspaces])?;
            }
        }
        Ok(())
    }

    fn load_day(&self, tx: &Tx<'_>, at: Timestamp) -> Result<(), StoreError> {
        let day = Timestamp::from_seconds(at.seconds() / 86_400 * 86_400);
        tx.exec(&ADDRESSES, params![day, self.clients])?;
        tx.exec(&DELIVERED, params![day, self.clients])?;
        Ok(())
    }
}

/// The part of ids that says when.
fn head(at: Timestamp) -> String {
    ids::sortable_floor("", at).chars().take(10).collect()
}

static WORKSPACES: Sql = Sql::new(
    "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS {int}) UNION ALL SELECT i + 1 FROM n WHERE i < $3)
     INSERT INTO workspace (number, id, subdomain, name, created_at)
     SELECT i, 'wsp_' || CAST($1 AS TEXT) || substr('0000000000000000' || CAST(i AS TEXT), length(CAST(i AS TEXT)) + 1), 'workspace-' || CAST(i AS TEXT), 'Workspace ' || CAST(i AS TEXT), CAST($2 AS {ts}) FROM n",
);

static PERSONS: Sql = Sql::new(
    "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS {int}) UNION ALL SELECT i + 1 FROM n WHERE i < $3)
     INSERT INTO user_account (id, email, name, password, created_at)
     SELECT 'usr_' || CAST($1 AS TEXT) || substr('0000000000000000' || CAST(i AS TEXT), length(CAST(i AS TEXT)) + 1), 'person-' || CAST(i AS TEXT) || '@ceramics.example',
            'Person ' || CAST(i AS TEXT), '', CAST($2 AS {ts}) FROM n",
);

static MEMBERSHIPS: Sql = Sql::new(
    "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS {int}) UNION ALL SELECT i + 1 FROM n WHERE i < $2)
     INSERT INTO membership (user_id, workspace_number, role)
     SELECT 'usr_' || CAST($1 AS TEXT) || substr('0000000000000000' || CAST(i AS TEXT), length(CAST(i AS TEXT)) + 1), i % $3 + 1, CASE WHEN i <= $3 THEN 'admin' ELSE 'member' END FROM n",
);

static OWNED: Sql = Sql::new(
    "INSERT INTO membership (user_id, workspace_number, role)
     SELECT CAST($1 AS TEXT), number, 'owner' FROM workspace",
);

static CLIENTS: Sql = Sql::new(
    "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS {int}) UNION ALL SELECT i + 1 FROM n WHERE i < $3)
     INSERT INTO api_client (number, id, client_id, name, status, api_version, secret_policy, payload,
         token_lifetime_seconds, rate_limit, allow_list, not_before, revision, created_by, created_at)
     SELECT i, 'cli_' || CAST($1 AS TEXT) || substr('0000000000000000' || CAST(i AS TEXT), length(CAST(i AS TEXT)) + 1), 'gpc_0000' || substr('0000000000000000' || CAST(i AS TEXT), length(CAST(i AS TEXT)) + 1), 'Client ' || CAST(i AS TEXT),
            CASE WHEN i % 50 = 7 THEN 'disabled' WHEN i % 100 = 9 THEN 'revoked' ELSE 'active' END,
            CASE WHEN i % 4 = 0 THEN 'v1' ELSE 'v1.11' END, 'revealable', 'record', 259200, NULL, '[]', 0, 1, 'cli',
            CAST($2 AS {ts}) + i * 1000 FROM n",
);

static ENABLED: Sql = Sql::new(
    "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS {int}) UNION ALL SELECT i + 1 FROM n WHERE i < $1),
         three(j) AS (SELECT CAST(0 AS {int}) UNION ALL SELECT j + 1 FROM three WHERE j < 2)
     INSERT INTO client_workspace (client_number, workspace_number)
     SELECT i, (i + j * 7) % $2 + 1 FROM n JOIN three ON j = 0 OR i % 10 = 0",
);

static SECRETS: Sql = Sql::new(
    "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS {int}) UNION ALL SELECT i + 1 FROM n WHERE i < $1)
     INSERT INTO client_secret (client_number, number, hint, verifier, sealed, created_by, created_at, expires_at, killed_at)
     SELECT i, 1, 'kiln', CAST($2 AS {blob}), NULL, 'cli', CAST($3 AS {ts}), NULL, NULL FROM n",
);

static METHODS: Sql = Sql::new(
    "INSERT INTO client_method (client_number, method)
     SELECT number, CAST($1 AS TEXT) FROM api_client",
);

static URLS: Sql = Sql::new(
    "INSERT INTO webhook_url (id, client_number, url, state, reason, created_at)
     SELECT 'whu_' || CAST($1 AS TEXT) || substr('0000000000000000' || CAST(number AS TEXT), length(CAST(number AS TEXT)) + 1), number,
            'https://receiver-' || CAST(number AS TEXT) || '.example/hooks',
            CASE WHEN number % 40 = 3 THEN 'disabled' ELSE 'active' END,
            CASE WHEN number % 40 = 3 THEN 'gone' END, CAST($2 AS {ts}) FROM api_client",
);

static KEYS: Sql = Sql::new(
    "INSERT INTO signing_key (url_id, number, sealed, expires_at)
     SELECT id, 1, CAST($1 AS {blob}), NULL FROM webhook_url",
);

static SUBSCRIPTIONS: Sql = Sql::new(
    "INSERT INTO subscription (workspace_number, method, url_id, client_number)
     SELECT w.workspace_number, m.method, u.id, u.client_number FROM webhook_url u
     JOIN client_workspace w ON w.client_number = u.client_number JOIN client_method m ON m.client_number = u.client_number
     WHERE u.state = 'active'",
);

static USES: Sql = Sql::new(
    "INSERT INTO client_use (client_number, at, address, workspace)
     SELECT number, CAST($1 AS {ts}) + number * 1000000, '203.0.113.7', 'workspace-1' FROM api_client WHERE number % 11 <> 5",
);

static COUNTER: Sql = Sql::new(
    "INSERT INTO counter (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
);

static EVENTS: Sql = Sql::new(
    "WITH RECURSIVE n(i) AS (SELECT CAST($3 AS {int}) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $4)
     INSERT INTO event (id, workspace_number, method, record_id, record, caused_by, at)
     SELECT 'evt_' || CAST($1 AS TEXT) || substr('0000000000000000' || CAST(i AS TEXT), length(CAST(i AS TEXT)) + 1), ((CASE WHEN i % 10 = 0 THEN 1 ELSE i % $5 + 1 END) % $6 + 1), 'task.create', 'record' || CAST(i AS TEXT),
            '{\"_id\":\"record\",\"title\":\"Fire the kiln\",\"note\":\"Bisque, cone 04, slow to 600 degrees and then as fast as it will go; leave it shut until it is under 90 degrees. The shelves were washed last week. Ines has the key to the shed, and the gas is enough for two more.\",\"assignee\":\"aiko\",\"due\":\"2026-12-01\"}',
            'cli', CAST($2 AS {ts}) + (i - $3) * 3600000000 / ($4 - $3) FROM n",
);

static DELIVERIES: Sql = Sql::new(
    "WITH RECURSIVE n(i) AS (SELECT CAST($3 AS {int}) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $4)
     INSERT INTO delivery (id, workspace_number, event_id, url_id, client_number, method, state, reason, attempts, due_at,
         leased, fence, created_at, ended_at)
     SELECT 'dlv_' || CAST($1 AS TEXT) || substr('0000000000000000' || CAST(i AS TEXT), length(CAST(i AS TEXT)) + 1), ((CASE WHEN i % 10 = 0 THEN 1 ELSE i % $5 + 1 END) % $6 + 1), 'evt_' || CAST($1 AS TEXT) || substr('0000000000000000' || CAST(i AS TEXT), length(CAST(i AS TEXT)) + 1),
            (SELECT max(u.id) FROM webhook_url u WHERE u.client_number = (CASE WHEN i % 10 = 0 THEN 1 ELSE i % $5 + 1 END)), (CASE WHEN i % 10 = 0 THEN 1 ELSE i % $5 + 1 END),
            CASE i % 3 WHEN 0 THEN 'task.create' WHEN 1 THEN 'task.edit' ELSE 'task.remove' END,
            CASE WHEN i % 50 = 7 THEN 2 WHEN i % 100 = 9 THEN 0 ELSE 1 END, NULL, 1, CAST($7 AS {ts}), FALSE, 1,
            CAST($2 AS {ts}) + (i - $3) * 3600000000 / ($4 - $3), CASE WHEN i % 100 = 9 THEN NULL ELSE CAST($2 AS {ts}) + (i - $3) * 3600000000 / ($4 - $3) END FROM n",
);

static ATTEMPTS: Sql = Sql::new(
    "WITH RECURSIVE n(i) AS (SELECT CAST($3 AS {int}) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $4)
     INSERT INTO attempt (workspace_number, delivery_id, number, started_at, duration_us, outcome, status, error, address,
         request_headers, response_headers, reply, client_revision)
     SELECT ((CASE WHEN i % 10 = 0 THEN 1 ELSE i % $5 + 1 END) % $6 + 1), 'dlv_' || CAST($1 AS TEXT) || substr('0000000000000000' || CAST(i AS TEXT), length(CAST(i AS TEXT)) + 1), 1, CAST($2 AS {ts}) + (i - $3) * 3600000000 / ($4 - $3), 40000,
            CASE WHEN i % 50 = 7 THEN 'status' ELSE 'delivered' END, CASE WHEN i % 50 = 7 THEN 500 ELSE 200 END, NULL,
            '203.0.113.9', '[[\"content-type\",\"application/json\"],[\"user-agent\",\"Gatepost\"]]',
            '[[\"content-type\",\"text/plain\"]]', 'thank you', 1 FROM n",
);

static AUDIT: Sql = Sql::new(
    "WITH RECURSIVE n(i) AS (SELECT CAST($3 AS {int}) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $4)
     INSERT INTO audit (id, at, actor, address, action, subject_id, before, after)
     SELECT 'aud_' || CAST($1 AS TEXT) || substr('0000000000000000' || CAST(i AS TEXT), length(CAST(i AS TEXT)) + 1), CAST($2 AS {ts}) + (i - $3) * 3600000000 / ($4 - $3), 'cli', NULL, 'client.update',
            (SELECT c.id FROM api_client c WHERE c.number = (CASE WHEN i % 10 = 0 THEN 1 ELSE i % $5 + 1 END)), '{\"name\":\"Old name\",\"revision\":1}',
            '{\"name\":\"New name\",\"revision\":2}' FROM n",
);

static REFUSALS: Sql = Sql::new(
    "WITH RECURSIVE n(i) AS (SELECT CAST($3 AS {int}) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $4)
     INSERT INTO refused_request (id, at, client_number, workspace, verb, path, status, refused_by, detail, address)
     SELECT 'req_' || CAST($1 AS TEXT) || substr('0000000000000000' || CAST(i AS TEXT), length(CAST(i AS TEXT)) + 1), CAST($2 AS {ts}) + (i - $3) * 3600000000 / ($4 - $3), (CASE WHEN i % 10 = 0 THEN 1 ELSE i % $5 + 1 END), 'workspace-2', 'GET', '/v1.11/tasks', 400, 'workspace',
            CAST($6 AS TEXT), '203.0.113.7' FROM n",
);

static CALLS: Sql = Sql::new(
    "INSERT INTO call_count (hour, client_number, workspace_number, verdict, calls)
     SELECT CAST($1 AS {ts}), c.number, c.number % $4 + 1, v.verdict, 12 FROM api_client c
     JOIN (SELECT 'passed' AS verdict, 7 AS every UNION ALL SELECT 'foreign_workspace', 70) v ON (c.number + $2) % v.every = 0
     WHERE c.number <= $3",
);

static SECRET_CALLS: Sql = Sql::new(
    "INSERT INTO secret_call_count (hour, client_number, secret_number, calls)
     SELECT CAST($1 AS {ts}), number, 1, 12 FROM api_client WHERE (number + $2) % 7 = 0 AND number <= $3 AND $4 > 0",
);

static TRIES: Sql = Sql::new(
    "INSERT INTO attempt_count (client_number, hour, url_id, outcome, took, attempts)
     SELECT u.client_number, CAST($1 AS {ts}), u.id, 'delivered', 3, 40 FROM webhook_url u
     WHERE (u.client_number + $2) % 7 = 0 AND u.client_number <= $3 AND $4 > 0",
);

static ADDRESSES: Sql = Sql::new(
    "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS {int}) UNION ALL SELECT i + 1 FROM n WHERE i < 3)
     INSERT INTO address_call_count (client_number, day, address, calls)
     SELECT c.number, CAST($1 AS {ts}), '203.0.113.' || CAST(i AS TEXT), 96 FROM n JOIN api_client c ON c.number <= $2",
);

static DELIVERED: Sql = Sql::new(
    "INSERT INTO method_delivery_count (client_number, day, method, deliveries)
     SELECT number, CAST($1 AS {ts}), 'task.create', 4 FROM api_client WHERE number <= $2",
);
