-- The largest tables, and how large they would have to be by their rows' average width: an estimate from statistics.
-- A row takes its header (23 bytes and a null bitmap, aligned), its values (with the loss by alignment) and 4 bytes in
-- the page's list; a page of block_size keeps 24 for itself, and fillfactor leaves the rest free on purpose.
-- https://www.postgresql.org/docs/current/storage-page-layout.html
-- Widths are those of pg_stats, which shows a login only the tables that it may read: "blind" where it may not.
with largest as materialized (
    select c.oid, n.nspname, c.relname, c.reltuples, c.relpages, c.relnatts, c.reloptions, c.reltoastrelid,
           pg_relation_size(c.oid) as bytes
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and c.relpages::bigint * current_setting('block_size')::int >= %(least)s::float8
    order by c.relpages desc
    limit 200
),
widths as (
    select l.oid, sum((1 - s.null_frac) * s.avg_width)::float8 as width, max(s.null_frac) as nulls,
           count(s.attname) as known,
           count(*) filter (where s.avg_width >= 8) as aligned
    from largest l
    join pg_stats s on s.schemaname = l.nspname and s.tablename = l.relname and not s.inherited
    group by l.oid
)
select l.nspname::text as schema, l.relname::text as table, l.bytes::float8 as bytes, l.reltuples::float8 as rows,
       w.known is null as blind,
       has_table_privilege(l.oid, 'select') as readable,
       ceil(l.reltuples
            * (24 + case when w.nulls > 0 then 8 * ceil(greatest(l.relnatts - 8, 0) / 64.0) else 0 end
               + 8 * ceil((w.width + least(w.known, 8)) / 8) + 4)
            / ((current_setting('block_size')::int - 24)
               * coalesce((select option_value::float8 from pg_options_to_table(l.reloptions)
                           where option_name = 'fillfactor'), 100) / 100))
           * current_setting('block_size')::int as needed,
       coalesce((select n_dead_tup from pg_stat_user_tables s where s.relid = l.oid), 0)::float8 as dead,
       exists (select 1 from pg_stat_progress_vacuum p where p.relid = l.oid) as vacuuming
from largest l
left join widths w on w.oid = l.oid
