-- Indexes that are not valid and not being built.
select c.relname::text as name
from pg_index i
join pg_class c on c.oid = i.indexrelid
where not i.indisvalid and not exists (select from pg_stat_progress_create_index p where p.index_relid = i.indexrelid)
order by c.relname
limit 100
