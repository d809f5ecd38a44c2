-- Statements of clients under way, and whether each is on a processor (or wants one): it waits for nothing.
select a.pid, a.query_id,
       {whose},
       a.state, a.backend_start, a.xact_start, a.query_start, a.state_change,
       extract(epoch from clock_timestamp() - a.query_start)::float8 as idle_seconds,
       left(a.query, 1000) as query,
       {protection} as protection,
       {maintains} as exempt
from pg_stat_activity a
left join pg_roles r on r.oid = a.usesysid
where a.backend_type = 'client backend'
  and a.state = 'active'
  and a.wait_event_type is null
  and a.pid <> pg_backend_pid()
  and a.application_name is distinct from current_setting('application_name')
