-- Foreign keys whose referencing table is large and has no valid index that begins with their columns: each delete of a
-- referenced row reads it from end to end.
select n.nspname::text as schema, c.relname::text as table, k.conname::text as name,
       (select jsonb_agg(a.attname order by o.at) from unnest(k.conkey) with ordinality as o (number, at)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = o.number) as columns,
       k.confrelid::regclass::text as referenced,
       greatest(c.reltuples, 0)::float8 as rows
from pg_constraint k
join pg_class c on c.oid = k.conrelid
join pg_namespace n on n.oid = c.relnamespace
where k.contype = 'f' and k.conparentid = 0 and c.reltuples >= %(rows)s::float8
  and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (
      select 1 from pg_index i
      where i.indrelid = k.conrelid and i.indisvalid and i.indpred is null
        and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
        and k.conkey @> (i.indkey::int2[])[0:cardinality(k.conkey) - 1])
order by c.reltuples desc
limit 20
