-- Who holds how many of the connections that ordinary roles may use. Of another role's session a login without
-- pg_read_all_stats sees the role and the database alone: `hidden` counts those.
select coalesce(usename, 'unknown role') as role, count(*) as sessions,
       count(*) filter (where backend_type is null) as hidden,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
         - coalesce(current_setting('reserved_connections', true)::int, 0) as usable
from pg_stat_activity
where backend_type = 'client backend' or (backend_type is null and usesysid is not null and datid is not null)
group by 1 order by 2 desc, 1
