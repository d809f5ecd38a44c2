-- The events, the log's new end, and word to all who wait.
WITH added AS (
    INSERT INTO events (position, stream, seq, at, actor, kind, data, salt, data_hash, prev_hash, hash)
    SELECT * FROM unnest(
        %(position)s::bigint[], %(stream)s::text[], %(seq)s::bigint[], %(at)s::text[], %(actor)s::text[],
        %(kind)s::text[], %(data)s::text[], %(salt)s::text[], %(data_hash)s::text[], %(prev_hash)s::text[],
        %(hash)s::text[]
    )
),
moved AS (
    UPDATE log_end SET position = %(end)s
)
SELECT pg_notify('hutch_events', '')
