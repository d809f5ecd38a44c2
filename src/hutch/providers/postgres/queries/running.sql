-- Statements of clients that run by themselves now: waiting for no lock.
select a.query_id, a.pid, a.query,
       extract(epoch from clock_timestamp() - a.query_start)::float8 * 1000 as milliseconds
from pg_stat_activity a
where a.backend_type = 'client backend'
  and a.state = 'active'
  and a.datname = current_database()
  and a.query_id is not null
  and a.wait_event_type is distinct from 'Lock'
  and a.application_name is distinct from current_setting('application_name')
