-- How often each table was read from end to end so far, and how many rows that brought.
select schemaname::text as schema, relname::text as table, coalesce(seq_scan, 0)::bigint as scans,
       coalesce(seq_tup_read, 0)::bigint as rows
from pg_stat_user_tables
