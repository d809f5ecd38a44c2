-- What this login may see, and what the server has that checks can use.
select current_setting('server_version_num')::int as version,
       pg_has_role('pg_read_all_stats', 'usage') as stats,
       pg_has_role('pg_read_all_data', 'usage') as data,
       pg_is_in_recovery() as standby,
       (select extversion from pg_extension where extname = 'pgstattuple') as pgstattuple,
       (select nspname::text from pg_extension e join pg_namespace n on n.oid = e.extnamespace
        where extname = 'pgstattuple') as pgstattuple_schema
