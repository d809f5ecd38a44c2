-- What each statement of this database has cost so far; texts are fetched for the few that matter.
select queryid, sum(calls)::bigint as calls, sum(total_exec_time)::float8 as milliseconds,
       bool_and(userid = (select oid from pg_roles where rolname = current_user)) as own
from pg_stat_statements(false)
where dbid = (select oid from pg_database where datname = current_database())
  and queryid is not null
group by queryid
