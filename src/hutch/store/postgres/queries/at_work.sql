-- Who works on this database, and as which schema: each session of a Hutch is named for its own.
SELECT application_name, string_agg(DISTINCT coalesce(host(client_addr), 'this machine'), ', ')
FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'hutch schema %' GROUP BY 1
