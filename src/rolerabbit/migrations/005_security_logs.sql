-- migrate:up
CREATE TABLE security_logs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_type varchar(50) NOT NULL,
    user_id uuid,
    ip_address inet,
    details jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);

-- migrate:down
DROP TABLE security_logs;
