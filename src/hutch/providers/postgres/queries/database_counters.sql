-- What has happened in this database so far. Counters of sessions still open arrive with a delay of up to a second.
select deadlocks, temp_files, temp_bytes::float8 as temp_bytes, blks_hit as hits, blks_read as reads,
       sessions_abandoned, sessions_fatal, sessions_killed,
       sessions_abandoned + sessions_fatal + sessions_killed as sessions_lost,
       (select oid::bigint from pg_roles where rolname = current_user) as login,
       current_setting('block_size')::int as block_size,
       pg_size_bytes(current_setting('work_mem')) as work_mem,
       pg_size_bytes(current_setting('shared_buffers')) as shared_buffers
from pg_stat_database
where datname = current_database()
