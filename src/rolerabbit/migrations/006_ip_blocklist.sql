-- migrate:up
-- One row for each ban; every ban ends.
CREATE TABLE ip_blocklist (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ip_address inet NOT NULL,
    reason text NOT NULL,
    blocked_until timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- migrate:down
DROP TABLE ip_blocklist;
