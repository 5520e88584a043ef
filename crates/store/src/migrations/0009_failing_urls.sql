-- The clock of a webhook URL whose attempts all fail: since when, until when at the latest, when it is disabled, and when
-- that is looked at next.

ALTER TABLE webhook_url ADD COLUMN failing_since {ts};
ALTER TABLE webhook_url ADD COLUMN failed_at {ts};
ALTER TABLE webhook_url ADD COLUMN disables_at {ts};
ALTER TABLE webhook_url ADD COLUMN look_at {ts};

CREATE INDEX webhook_url_failing ON webhook_url (look_at) WHERE look_at IS NOT NULL;
