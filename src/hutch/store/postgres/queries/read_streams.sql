SELECT stream, seq, at, actor, kind, data, salt, data_hash, prev_hash, hash
FROM events
WHERE stream = ANY(%(streams)s)
ORDER BY stream, seq
