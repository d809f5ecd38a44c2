-- \d NAME: the indexes.
select c.relname as "Index", pg_get_indexdef(i.indexrelid) as "Definition",
       case when i.indisvalid then '' else 'INVALID' end as "State"
from pg_index i
join pg_class c on c.oid = i.indexrelid
where i.indrelid = to_regclass(%(name)s::text)
order by i.indisprimary desc, c.relname
