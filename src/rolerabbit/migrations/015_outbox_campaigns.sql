-- migrate:up
-- Letters that go to many belong to a campaign: nobody gets two of the same, however often it is queued.
ALTER TABLE outbox ADD COLUMN campaign varchar(100) NOT NULL DEFAULT '';
CREATE UNIQUE INDEX outbox_campaign_key ON outbox (campaign, user_id) WHERE campaign <> '';

-- migrate:down
DROP INDEX outbox_campaign_key;
ALTER TABLE outbox DROP COLUMN campaign;
