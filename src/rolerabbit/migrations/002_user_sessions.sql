-- migrate:up
-- Only the SHA-256 of a token is kept. A session that ends is marked as revoked, so that the evidence stays.
CREATE TABLE user_sessions (
    token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    ip_address inet,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);

-- migrate:down
DROP TABLE user_sessions;
