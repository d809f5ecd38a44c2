-- migrate:up
-- Mail that is to go out. A body may hold a reset token, so who only reads the service's tables must not read this one.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id uuid,
    recipient varchar(254) NOT NULL,
    subject varchar(200) NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz
);

-- migrate:down
DROP TABLE outbox;
