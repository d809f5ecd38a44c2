-- One table: its size, its columns with their types, its indexes, and whether a login may make one.
-- Rows are estimated from the last ANALYZE; without one, from the counters.
select c.oid::int8 as oid, c.relkind::text as kind,
       pg_get_userbyid(c.relowner)::text as owner,
       pg_relation_size(c.oid) as bytes,
       greatest(c.reltuples, (select n_live_tup from pg_stat_user_tables s where s.relid = c.oid), 0)::float8 as rows,
       (select coalesce(jsonb_object_agg(attname, atttypid::regtype::text), '{}') from pg_attribute
        where attrelid = c.oid and attnum > 0 and not attisdropped) as columns,
       (select coalesce(jsonb_agg(jsonb_build_object(
            'name', ic.relname,
            'valid', i.indisvalid and i.indisready,
            'building', exists (select 1 from pg_stat_progress_create_index p where p.index_relid = i.indexrelid),
            'partial', i.indpred is not null,
            'method', am.amname,
            'keys', (select jsonb_agg(pg_get_indexdef(i.indexrelid, k, true)
                         || case when i.indoption[k - 1] & 1 = 1 then ' DESC' else '' end order by k)
                     from generate_series(1, i.indnkeyatts) as k)
        )), '[]')
        from pg_index i
        join pg_class ic on ic.oid = i.indexrelid
        join pg_am am on am.oid = ic.relam
        where i.indrelid = c.oid) as indexes,
       (select coalesce(jsonb_object_agg(attname, avg_width), '{}') from pg_stats s
        where s.schemaname = n.nspname and s.tablename = c.relname) as widths,
       coalesce((select pg_has_role(l.oid, c.relowner, 'usage') and has_schema_privilege(l.oid, n.oid, 'create')
                 from pg_roles l where l.rolname = %(login)s::text), false) as allowed
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = %(schema)s::text and c.relname = %(table)s::text
  and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and c.relkind in ('r', 'm', 'p')
