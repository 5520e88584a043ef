-- Events in an order that can be followed without missing one: by position, and by id within one. Not settled is what a
-- transaction may still come before (docs/adr/0009-event-feed.md).

-- The one writer makes ids in the order of its commits, so ids are the order.
-- @sqlite
CREATE VIEW event_in_order AS
SELECT id, workspace_number, method, record_id, record, caused_by, at, 0 AS position, TRUE AS settled FROM event;

-- Many write at once, and who began first may commit last. The number of the transaction says when it began; all that
-- began before the oldest that is still running have come to their end.
-- @postgres
ALTER TABLE event ADD COLUMN position {int} NOT NULL DEFAULT 0;
ALTER TABLE event ALTER COLUMN position SET DEFAULT CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT);

CREATE INDEX event_by_position ON event (workspace_number, position);

CREATE VIEW event_in_order AS
SELECT id, workspace_number, method, record_id, record, caused_by, at, position,
    position < CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT) AS settled
FROM event;
-- @both
