-- What the server is, who we are there, and what we may do to the log.
SELECT
    current_setting('server_version') AS version,
    current_user AS login,
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
    coalesce(pg_has_role(events.relowner, 'USAGE'), false) AS owner,
    has_table_privilege('events', 'INSERT') AND has_table_privilege('log_end', 'UPDATE') AS appends,
    (
        SELECT count(*) FROM pg_trigger
        WHERE tgrelid = events.oid AND tgname IN ('events_rows_stay', 'events_table_stays') AND tgenabled = 'A'
    ) = 2 AS guarded,
    pg_size_pretty(pg_total_relation_size(events.oid)) AS size
FROM pg_class AS events
WHERE events.oid = to_regclass('events')
