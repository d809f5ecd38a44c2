-- migrate:up
-- A session has a name of its own, so that its owner can end it from elsewhere. An API token is a session that lasts.
-- What a profile holds is sealed with the key of that id; the service's operators don't read it.
ALTER TABLE user_sessions
    ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN kind varchar(10) NOT NULL DEFAULT 'session' CHECK (kind IN ('session', 'api')),
    ADD COLUMN label varchar(100) NOT NULL DEFAULT '';
CREATE UNIQUE INDEX user_sessions_id_key ON user_sessions (id);
CREATE TABLE user_profiles (
    user_id uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    key_id varchar(40) NOT NULL,
    sealed bytea NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX user_profiles_key_id_idx ON user_profiles (key_id);
ALTER TABLE outbox ADD COLUMN attempts integer NOT NULL DEFAULT 0, ADD COLUMN failure text NOT NULL DEFAULT '';
CREATE INDEX outbox_unsent_idx ON outbox (id) WHERE sent_at IS NULL;

-- migrate:down
DROP INDEX outbox_unsent_idx;
ALTER TABLE outbox DROP COLUMN attempts, DROP COLUMN failure;
DROP TABLE user_profiles;
ALTER TABLE user_sessions DROP COLUMN id, DROP COLUMN kind, DROP COLUMN label;
