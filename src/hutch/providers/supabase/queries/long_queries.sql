-- Statements that run for long, without their text; and how many sessions can't be looked into.
select pid, usename as role, extract(epoch from clock_timestamp() - query_start)::float8 as seconds,
       (select count(*) from pg_stat_activity where backend_type is null and usesysid is not null) as hidden,
       current_user as login
from pg_stat_activity
where state = 'active' and backend_type = 'client backend' and pid <> pg_backend_pid()
  and query_start < clock_timestamp() - %(after)s * interval '1 second'
union all
select null, null, null, (select count(*) from pg_stat_activity where backend_type is null and usesysid is not null),
       current_user
order by seconds desc nulls last limit 20
