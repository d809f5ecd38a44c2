SELECT stream, seq, hash FROM events AS newest
WHERE seq = (SELECT max(seq) FROM events WHERE events.stream = newest.stream)
ORDER BY stream
