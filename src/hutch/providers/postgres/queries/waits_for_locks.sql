-- Which sessions wait for each other's rows just now, and by which statements.
select coalesce(a.usename::text, '') as role, coalesce(a.application_name, '') as application,
       left(coalesce(a.query, ''), 1000) as query,
       coalesce((select string_agg(distinct t.relation::regclass::text, ', ') from pg_locks t
                 where t.pid = l.pid and t.locktype in ('tuple', 'relation') and t.mode = 'RowExclusiveLock'
                   and t.database = (select oid from pg_database where datname = current_database())
                   and exists (select from pg_class c where c.oid = t.relation and c.relkind in ('r', 'p'))), '') as tables
from pg_locks l
left join pg_stat_activity a on a.pid = l.pid
where not l.granted and l.locktype in ('transactionid', 'tuple')
order by l.pid
limit 5
