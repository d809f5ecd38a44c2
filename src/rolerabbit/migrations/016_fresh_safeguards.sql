-- migrate:up
-- Who keeps the block list in memory is told of each change; what is lost on the way is found by looking now and then.
CREATE OR REPLACE FUNCTION tell_safeguards() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('rolerabbit_safeguards', TG_TABLE_NAME);
    RETURN NULL;
END $$;
CREATE TRIGGER ip_blocklist_told AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ip_blocklist
    FOR EACH STATEMENT EXECUTE FUNCTION tell_safeguards();
-- Rate limits that are stepped up for a while: so many times fewer are allowed. Every step ends.
CREATE TABLE limit_steps (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind varchar(20) NOT NULL CHECK (kind IN ('login', 'signup', 'reset', 'export', 'report')),
    divisor integer NOT NULL CHECK (divisor BETWEEN 2 AND 20),
    reason text NOT NULL,
    stepped_until timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER limit_steps_told AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON limit_steps
    FOR EACH STATEMENT EXECUTE FUNCTION tell_safeguards();

-- migrate:down
DROP TABLE limit_steps;
DROP TRIGGER ip_blocklist_told ON ip_blocklist;
DROP FUNCTION tell_safeguards;
