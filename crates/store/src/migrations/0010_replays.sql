-- Replays: jobs that any node works off, a few deliveries at a time. While a node works on one, due_at is when its lease ends; the
-- fence counts the claims and what people do to it, and only whoever knows it may write down how far the replay is.
CREATE TABLE replay (
    id {id} NOT NULL PRIMARY KEY,
    client_number {int} NOT NULL,
    url_id {id} NOT NULL,
    since {ts} NOT NULL,
    until {ts} NOT NULL,
    method {id},
    which {id} NOT NULL,
    state {int} NOT NULL,
    reason TEXT,
    counted_to {id} NOT NULL,
    is_counted {bool} NOT NULL,
    counted {int} NOT NULL,
    replayed_to {id} NOT NULL,
    made {int} NOT NULL,
    again {int} NOT NULL,
    gone {int} NOT NULL,
    due_at {ts} NOT NULL,
    fence {int} NOT NULL,
    created_by TEXT NOT NULL,
    created_at {ts} NOT NULL,
    ended_at {ts}
) {table};

CREATE INDEX replay_due ON replay (due_at) WHERE state = 0;
CREATE INDEX replay_by_client ON replay (client_number, id);

-- The replay that made a delivery. None of these indexes has an entry for a delivery that no replay and no person made.
ALTER TABLE delivery ADD COLUMN replay_id {id};
-- No replay sends an event twice, whatever else goes wrong.
CREATE UNIQUE INDEX delivery_of_replay ON delivery (replay_id, event_id, workspace_number)
    WHERE replay_id IS NOT NULL;
CREATE INDEX delivery_of_replay_pending ON delivery (url_id) WHERE state = 0 AND replay_id IS NOT NULL;
CREATE INDEX delivery_again ON delivery (event_id, url_id) WHERE replay_of IS NOT NULL;
