-- Transactions that an index built without locking would have to wait out: in this database, begun long ago.
select a.pid, coalesce(a.usename::text, '') as role, coalesce(a.application_name, '') as application,
       coalesce(a.state, '') as state,
       extract(epoch from clock_timestamp() - a.xact_start)::float8 as seconds
from pg_stat_activity a
where a.datname = current_database()
  and (a.backend_xmin is not null or a.backend_xid is not null)
  and a.pid <> pg_backend_pid()
  and clock_timestamp() - a.xact_start >= make_interval(secs => %(after)s::float8)
order by a.xact_start
