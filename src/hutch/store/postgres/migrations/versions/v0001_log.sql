-- Text is compared by its bytes ("C"): times and names then sort as they do everywhere else in Hutch.
CREATE TABLE events (
    position bigint PRIMARY KEY,
    stream text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    at text COLLATE "C" NOT NULL,
    actor text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    data text COLLATE "C" NOT NULL,
    salt text COLLATE "C" NOT NULL,
    data_hash text COLLATE "C" NOT NULL,
    prev_hash text COLLATE "C" NOT NULL,
    hash text COLLATE "C" NOT NULL,
    CONSTRAINT events_stream_seq UNIQUE (stream, seq)
);
CREATE INDEX events_kind_at ON events (kind, at);
CREATE INDEX events_first ON events (position) WHERE seq = 1;

-- One row: the newest position. Whoever appends holds it (queries/lock_end.sql), and an end that was cut off shows.
CREATE TABLE log_end (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    position bigint NOT NULL
) WITH (fillfactor = 20);
INSERT INTO log_end (position) VALUES (0);

CREATE TABLE meta (
    key text PRIMARY KEY,
    value text NOT NULL
);

CREATE FUNCTION refuse_to_alter_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        -- What the law makes us erase may go; the event stays, and its hashes prove the rest.
        IF NEW.data = '{"erased":true}' AND NEW.salt = ''
            AND (NEW.position, NEW.stream, NEW.seq, NEW.at, NEW.actor, NEW.kind)
              = (OLD.position, OLD.stream, OLD.seq, OLD.at, OLD.actor, OLD.kind)
            AND (NEW.data_hash, NEW.prev_hash, NEW.hash) = (OLD.data_hash, OLD.prev_hash, OLD.hash)
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'events are append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER events_rows_stay BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_to_alter_events();
CREATE TRIGGER events_table_stays BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_alter_events();
-- Also where session_replication_role would leave triggers out.
ALTER TABLE events ENABLE ALWAYS TRIGGER events_rows_stay;
ALTER TABLE events ENABLE ALWAYS TRIGGER events_table_stays;
