CREATE INDEX events_marks ON events (position) WHERE kind = 'events.archived';

CREATE OR REPLACE FUNCTION refuse_to_alter_events() RETURNS trigger LANGUAGE plpgsql AS $$
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
    ELSIF TG_OP = 'DELETE' THEN
        -- What lies in an archive may go: a mark behind it, which its stream's chain proves, says so.
        IF EXISTS (
            SELECT 1 FROM events AS mark
            WHERE mark.stream = OLD.stream AND mark.seq > OLD.seq AND mark.kind = 'events.archived'
        ) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'events are append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
