SELECT stream, seq, at, actor, kind, data, salt, data_hash, prev_hash, hash
FROM events
WHERE kind = %(kind)s AND at >= %(at)s
ORDER BY position
