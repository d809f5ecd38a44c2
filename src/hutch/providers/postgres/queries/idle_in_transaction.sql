-- Sessions that hold a transaction open without running anything, with the reason why one must not be ended.
-- Our own reads are left out by our name.
select a.pid,
       {whose},
       a.state, a.backend_start, a.xact_start, a.state_change,
       extract(epoch from clock_timestamp() - a.state_change)::float8 as idle_seconds,
       left(a.query, 1000) as query,
       {protection} as protection,
       {excused} as exempt
from pg_stat_activity a
left join pg_roles r on r.oid = a.usesysid
where a.backend_type = 'client backend'
  and a.state in ('idle in transaction', 'idle in transaction (aborted)')
  and a.application_name is distinct from current_setting('application_name')
order by a.xact_start, a.pid
