-- Who migrates right now: index builds, migration tools that work or hold a lock, whoever holds the tool's own lock.
select p.pid, coalesce(a.application_name, '') as application, 'builds an index: ' || p.phase as does
from pg_stat_progress_create_index p
left join pg_stat_activity a on a.pid = p.pid
where p.datname = current_database() and p.pid <> %(own)s
union all
select a.pid, a.application_name, coalesce('is ' || a.state, 'starts')
from pg_stat_activity a
where a.datname = current_database() and a.backend_type = 'client backend' and a.pid <> pg_backend_pid()
  and a.pid <> %(own)s and lower(a.application_name) like any (%(runners)s)
  and (a.state is distinct from 'idle'
       or exists (select from pg_locks l where l.pid = a.pid and l.locktype = 'advisory' and l.granted))
union all
select l.pid, coalesce(a.application_name, ''), 'holds the lock of the migration tool'
from pg_locks l
left join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.pid <> %(own)s
  and l.database = (select oid from pg_database where datname = current_database())
  and (l.classid::bigint << 32) | l.objid::bigint = %(lock_key)s::bigint
order by 1
