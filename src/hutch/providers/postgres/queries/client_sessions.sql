-- Every client session with what tells a pool in use from a hoard: "works" says that it does something, or did within
-- the last while and not only just after it connected (who only connects and waits has never been used). A session that
-- is connecting right now says nothing of that: a hoarder takes every connection that gets free.
select a.pid,
       {whose},
       coalesce(a.state, '') as state,
       a.backend_start, a.xact_start, a.state_change,
       coalesce(extract(epoch from clock_timestamp() - a.state_change), 0)::float8 as idle_seconds,
       left(coalesce(a.query, ''), 1000) as query,
       {protection} as protection,
       {excused} as exempt,
       coalesce(lower(a.application_name) like any (%(pool_applications)s::text[]), false) as pool,
       clock_timestamp() - a.backend_start > interval '2 seconds' and coalesce(a.state <> 'idle'
           or (clock_timestamp() - a.state_change < make_interval(secs => %(within)s::float8)
               and a.state_change - a.backend_start > interval '1 second'), true) as works
from pg_stat_activity a
left join pg_roles r on r.oid = a.usesysid
where a.backend_type = 'client backend'
  and a.pid <> pg_backend_pid()
order by a.state_change, a.pid
