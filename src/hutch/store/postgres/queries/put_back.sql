-- Events that were cut, at their old positions; those that are there stay.
INSERT INTO events (position, stream, seq, at, actor, kind, data, salt, data_hash, prev_hash, hash)
SELECT * FROM unnest(
    %(position)s::bigint[], %(stream)b::text[], %(seq)s::bigint[], %(at)b::text[], %(actor)b::text[],
    %(kind)b::text[], %(data)b::text[], %(salt)b::text[], %(data_hash)b::text[], %(prev_hash)b::text[],
    %(hash)b::text[]
)
ON CONFLICT (stream, seq) DO NOTHING
