SELECT stream, seq, at, actor, kind, data, salt, data_hash, prev_hash, hash
FROM events
WHERE stream = ANY(%(streams)b::text[])
ORDER BY stream, seq
