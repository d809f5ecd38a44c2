-- migrate:up
-- Where a session was used from: an old token that comes from there is a client that was not told, elsewhere a thief's.
ALTER TABLE user_sessions ADD COLUMN networks cidr[] NOT NULL DEFAULT '{}';
CREATE INDEX user_sessions_user_id_idx ON user_sessions (user_id);

-- migrate:down
DROP INDEX user_sessions_user_id_idx;
ALTER TABLE user_sessions DROP COLUMN networks;
