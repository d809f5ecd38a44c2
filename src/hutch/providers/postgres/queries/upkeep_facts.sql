-- One table as vacuum and analyze see it: what changed since, how old its oldest transaction is, who may tend it.
select c.oid::int8 as oid, c.relkind::text as kind, pg_get_userbyid(c.relowner)::text as owner,
       pg_total_relation_size(c.oid) as bytes,
       coalesce(s.n_live_tup, 0) as live, coalesce(s.n_dead_tup, 0) as dead, coalesce(s.n_mod_since_analyze, 0) as changed,
       greatest(s.last_vacuum, s.last_autovacuum) as vacuumed, greatest(s.last_analyze, s.last_autoanalyze) as analyzed,
       greatest(age(c.relfrozenxid), coalesce(age(t.relfrozenxid), 0)) as age,
       current_setting('autovacuum_freeze_max_age')::int8 as freeze_at,
       current_setting('vacuum_freeze_min_age')::int8 as freeze_to,
       current_setting('autovacuum_vacuum_threshold')::float8
           + current_setting('autovacuum_vacuum_scale_factor')::float8 * greatest(c.reltuples, s.n_live_tup, 0) as dead_at,
       current_setting('autovacuum_analyze_threshold')::float8
           + current_setting('autovacuum_analyze_scale_factor')::float8 * greatest(c.reltuples, s.n_live_tup, 0) as changed_at,
       exists (select 1 from pg_stat_progress_vacuum p where p.relid = c.oid) as vacuuming,
       exists (select 1 from pg_stat_progress_analyze p where p.relid = c.oid) as analyzing,
       {may_tend} as allowed
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_class t on t.oid = c.reltoastrelid
left join pg_stat_all_tables s on s.relid = c.oid
where n.nspname = %(schema)s::text and c.relname = %(table)s::text
  and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relkind in ('r', 'm', 'p')
