-- Statements that run for long by themselves: not waiting for a lock, no replication, no upkeep of the database.
select a.pid,
       {whose},
       a.state, a.backend_start, a.xact_start,
       extract(epoch from clock_timestamp() - a.query_start)::float8 as idle_seconds,
       left(a.query, 1000) as query,
       {protection} as protection,
       {maintains} as exempt
from pg_stat_activity a
left join pg_roles r on r.oid = a.usesysid
where a.backend_type = 'client backend'
  and a.state = 'active'
  and a.pid <> pg_backend_pid()
  and a.wait_event_type is distinct from 'Lock'
  and clock_timestamp() - a.query_start >= make_interval(secs => %(after)s::float8)
order by a.query_start
