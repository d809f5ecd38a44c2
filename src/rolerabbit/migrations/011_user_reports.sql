-- migrate:up
-- What visitors report about pages.
CREATE TABLE user_reports (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    page varchar(300) NOT NULL DEFAULT '',
    reason varchar(20) NOT NULL CHECK (reason IN ('abuse', 'broken', 'security', 'other')),
    message text NOT NULL,
    email varchar(254) NOT NULL DEFAULT '',
    ip_address inet,
    created_at timestamptz NOT NULL DEFAULT now(),
    handled_at timestamptz
);

-- migrate:down
DROP TABLE user_reports;
