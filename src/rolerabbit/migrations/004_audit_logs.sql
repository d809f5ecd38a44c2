-- migrate:up
-- No foreign key: what a user did stays on record after the user is gone.
CREATE TABLE audit_logs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id uuid,
    action varchar(100) NOT NULL,
    details jsonb NOT NULL DEFAULT '{}',
    ip_address inet,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- migrate:down
DROP TABLE audit_logs;
