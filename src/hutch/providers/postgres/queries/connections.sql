-- Client sessions by role, application and state, and on each row what ordinary roles may use in all.
-- A login without pg_monitor sees neither state nor kind of others' sessions: those count as "hidden".
-- Connections that we ourselves opened just now count as one: those of one diagnosis must not look like trouble.
-- reserved_connections exists from version 16 on.
with sessions as (
    select coalesce(usename::text, '') as role,
           coalesce(application_name, '') as application,
           case when backend_type is null then 'hidden' else coalesce(state, 'starting') end as state,
           pid,
           coalesce(extract(epoch from clock_timestamp() - backend_start), 0)::float8 as age,
           coalesce(extract(epoch from clock_timestamp() - state_change), 0)::float8 as unchanged,
           application_name = current_setting('application_name')
               and backend_start > clock_timestamp() - interval '10 seconds' as fresh,
           row_number() over (partition by application_name order by backend_start, pid) as nth
    from pg_stat_activity
    where backend_type = 'client backend' or (backend_type is null and datid is not null)
)
select role, application, state, count(*)::int as sessions,
       max(age) as oldest, max(unchanged) as longest,
       current_setting('max_connections')::int as max_connections,
       current_setting('superuser_reserved_connections')::int
           + coalesce(current_setting('reserved_connections', true)::int, 0) as reserved
from sessions
where nth = 1 or fresh is not true
group by role, application, state
order by sessions desc, role, application, state
