-- \di: indexes with their table and whether they can be used.
select n.nspname as "Schema", c.relname as "Name", t.relname as "Table", pg_get_userbyid(c.relowner) as "Owner",
       case when i.indisvalid then 'valid' else 'INVALID' end as "State"
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_class t on t.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
  and (c.relname like %(pattern)s or n.nspname || '.' || c.relname like %(pattern)s)
order by 1, 2
