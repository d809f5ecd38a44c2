-- Indexes that nothing can use, and that nobody is building now. Those of partitioned tables are invalid by design
-- until each partition has its own.
select n.nspname::text as schema, c.relname::text as index, t.relname::text as table,
       pg_relation_size(c.oid) as bytes, i.indisready as maintained,
       pg_get_indexdef(c.oid) as definition
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_class t on t.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace
where not (i.indisvalid and i.indisready)
  and c.relkind = 'i'
  and n.nspname !~ '^pg_'
  and not exists (select 1 from pg_stat_progress_create_index p where p.index_relid = i.indexrelid)
order by 1, 2
