-- The last event of each stream. A statement of its own, after the lock: its snapshot then holds what others committed.
SELECT wanted.stream, newest.seq, newest.hash
FROM unnest(%(streams)b::text[]) AS wanted (stream)
CROSS JOIN LATERAL (
    SELECT seq, hash FROM events WHERE events.stream = wanted.stream ORDER BY seq DESC LIMIT 1
) AS newest
