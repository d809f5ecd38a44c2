-- The largest B-trees, and how large they would have to be: an entry takes 8 bytes for itself, its keys, aligned, and 4
-- in the page's list; leaves are filled to fillfactor (90) and make up nearly all of it. Deduplication only makes the
-- estimate too large, so what is called air is air. https://www.postgresql.org/docs/current/btree.html
with largest as materialized (
    select i.indexrelid, i.indrelid, i.indkey, i.indnkeyatts, n.nspname, c.relname, c.reltuples, c.relpages, c.reloptions,
           t.relname as table, pg_relation_size(c.oid) as bytes
    from pg_index i
    join pg_class c on c.oid = i.indexrelid
    join pg_am a on a.oid = c.relam and a.amname = 'btree'
    join pg_class t on t.oid = i.indrelid
    join pg_namespace n on n.oid = c.relnamespace
    where i.indisvalid and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and c.relpages::bigint * current_setting('block_size')::int >= %(least)s::float8
      and not (0 = any (i.indkey::int2[]))
    order by c.relpages desc
    limit 200
),
widths as (
    select l.indexrelid, sum((1 - s.null_frac) * s.avg_width)::float8 as width, count(s.attname) as known
    from largest l
    cross join lateral unnest(l.indkey::int2[]) as k (number)
    join pg_attribute a on a.attrelid = l.indrelid and a.attnum = k.number
    join pg_stats s on s.schemaname = l.nspname and s.tablename = l."table" and s.attname = a.attname and not s.inherited
    group by l.indexrelid
)
select l.nspname::text as schema, l.relname::text as index, l."table"::text as table, l.indexrelid::int8 as oid, l.bytes::float8 as bytes,
       l.reltuples::float8 as rows,
       coalesce(w.known, 0) < array_length(l.indkey::int2[], 1) as blind,
       has_table_privilege(l.indrelid, 'select') as readable,
       ceil(l.reltuples * (8 + 8 * ceil(w.width / 8) + 4)
            / ((current_setting('block_size')::int - 40)
               * coalesce((select option_value::float8 from pg_options_to_table(l.reloptions)
                           where option_name = 'fillfactor'), 90) / 100))
           * current_setting('block_size')::int as needed,
       exists (select 1 from pg_stat_progress_create_index p where p.relid = l.indrelid) as building
from largest l
left join widths w on w.indexrelid = l.indexrelid
