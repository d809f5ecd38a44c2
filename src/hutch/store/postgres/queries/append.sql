-- The events, the log's new end, and word to all who wait. Texts are sent in binary (b): as text every quote in the JSON
-- of a batch would have to be escaped, which costs more than all else that is done to write it.
WITH added AS (
    INSERT INTO events (position, stream, seq, at, actor, kind, data, salt, data_hash, prev_hash, hash)
    SELECT * FROM unnest(
        %(position)s::bigint[], %(stream)b::text[], %(seq)s::bigint[], %(at)b::text[], %(actor)b::text[],
        %(kind)b::text[], %(data)b::text[], %(salt)b::text[], %(data_hash)b::text[], %(prev_hash)b::text[],
        %(hash)b::text[]
    )
),
moved AS (
    UPDATE log_end SET position = %(end)s
)
SELECT pg_notify('hutch_events', '')
