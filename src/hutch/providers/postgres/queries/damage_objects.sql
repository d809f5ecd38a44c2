-- What amcheck can look at: tables with what lies out of line, and B-tree indexes; of one table, or of the database.
-- Parts are named with the table that they belong to. The largest last: what is found soon is told soon.
select c.oid::int8 as oid, case when c.relkind = 'i' then 'index' else 'table' end as kind,
       n.nspname as schema, c.relname as name, on_.nspname as table_schema, o.relname as table_name,
       pg_relation_size(c.oid)::int8 as bytes, n.nspname = 'pg_catalog' or on_.nspname = 'pg_catalog' as system
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_index i on i.indexrelid = c.oid
left join pg_class t on c.relkind in ('t', 'i') and t.reltoastrelid = coalesce(i.indrelid, c.oid)
join pg_class o on o.oid = coalesce(t.oid, i.indrelid, c.oid)
join pg_namespace on_ on on_.oid = o.relnamespace
join pg_am a on a.oid = c.relam
where c.relpersistence = 'p'
  and (c.relkind in ('r', 'm', 't') and a.amname = 'heap' or c.relkind = 'i' and a.amname = 'btree' and i.indisvalid)
  and (%(table)s::text is null or on_.nspname = %(schema)s::text and o.relname = %(table)s::text)
order by system desc, bytes, c.oid
