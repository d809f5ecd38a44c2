SELECT stream FROM events WHERE seq = 1 AND starts_with(stream, %(prefix)s) ORDER BY position
