SELECT stream, seq, at, actor, kind, data, salt, data_hash, prev_hash, hash
FROM events
WHERE stream = %(stream)s AND seq > %(after)s
ORDER BY seq
