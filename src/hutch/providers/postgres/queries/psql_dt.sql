-- \dt: tables, those of the system left out.
select n.nspname as "Schema", c.relname as "Name",
       case c.relkind when 'p' then 'partitioned table' else 'table' end as "Type",
       pg_get_userbyid(c.relowner) as "Owner"
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p')
  and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
  and (c.relname like %(pattern)s or n.nspname || '.' || c.relname like %(pattern)s)
order by 1, 2
