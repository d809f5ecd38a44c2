COPY events (position, stream, seq, at, actor, kind, data, salt, data_hash, prev_hash, hash) FROM STDIN
