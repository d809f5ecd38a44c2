-- A stream whose beginning was cut has a mark for it.
SELECT stream FROM (
    SELECT stream, position FROM events WHERE seq = 1 AND starts_with(stream, %(prefix)s)
    UNION ALL
    SELECT stream, position FROM events WHERE kind = 'events.archived' AND starts_with(stream, %(prefix)s)
) AS begun
ORDER BY position
