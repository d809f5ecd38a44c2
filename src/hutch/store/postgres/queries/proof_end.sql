-- How many events there are, the newest position among them, and how many were ever committed.
SELECT count(*), coalesce(max(events.position), 0), (SELECT position FROM log_end) FROM events
