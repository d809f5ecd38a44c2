-- Tables whose dead or changed rows are past autovacuum's own threshold for them, with what keeps it from coming.
-- https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM
with tables as (
    select s.relid, s.schemaname::text as schema, s.relname::text as table, s.n_live_tup as live, s.n_dead_tup as dead,
           s.n_mod_since_analyze as changed, greatest(c.reltuples, 0)::float8 as rows, c.reltuples < 0 as never,
           greatest(s.last_vacuum, s.last_autovacuum) as vacuumed,
           greatest(s.last_analyze, s.last_autoanalyze) as analyzed,
           (select jsonb_object_agg(option_name, option_value) from pg_options_to_table(c.reloptions)) as options,
           c.relpages
    from pg_stat_user_tables s
    join pg_class c on c.oid = s.relid
    where c.relkind in ('r', 'm') and c.relpersistence <> 't' and (s.n_dead_tup > 0 or s.n_mod_since_analyze > 0)
),
due as (
    select *,
           coalesce((options ->> 'autovacuum_vacuum_threshold')::float8,
                    current_setting('autovacuum_vacuum_threshold')::float8)
               + coalesce((options ->> 'autovacuum_vacuum_scale_factor')::float8,
                          current_setting('autovacuum_vacuum_scale_factor')::float8) * rows as dead_at,
           coalesce((options ->> 'autovacuum_analyze_threshold')::float8,
                    current_setting('autovacuum_analyze_threshold')::float8)
               + coalesce((options ->> 'autovacuum_analyze_scale_factor')::float8,
                          current_setting('autovacuum_analyze_scale_factor')::float8) * rows as changed_at,
           coalesce(options ->> 'autovacuum_enabled', 'true') not in ('false', 'off', '0', 'no') as enabled
    from tables
)
select schema, "table", live, dead, changed, rows, never, enabled, dead_at, changed_at,
       extract(epoch from clock_timestamp() - vacuumed)::float8 as vacuumed_ago,
       extract(epoch from clock_timestamp() - analyzed)::float8 as analyzed_ago,
       current_setting('autovacuum')::bool and current_setting('track_counts')::bool as running,
       exists (select 1 from pg_stat_progress_vacuum p where p.relid = due.relid) as vacuuming,
       exists (select 1 from pg_stat_progress_analyze p where p.relid = due.relid) as analyzing
from due
where (dead >= %(rows)s::float8 and dead >= %(factor)s::float8 * dead_at)
   or (changed >= %(rows)s::float8 and changed >= %(factor)s::float8 * changed_at)
order by greatest(dead, changed) desc
limit 50
