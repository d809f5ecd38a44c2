-- Each approved session as it is now: gone, changed, protected, or still the one that was approved.
-- An approved transaction start must still be that transaction's; an approved state must still be the state.
-- An approved moment of the last change of state means: not used since.
-- An approved statement, by the server's number of it, means: running that one now, in whatever transaction.
-- A session that this login may not look into is neither gone nor changed, but "hidden", and protected.
select w.pid, a.usesysid,
       coalesce(a.usename::text, '') as role,
       coalesce(a.application_name, '') as application,
       coalesce(a.state, '') as state,
       coalesce(extract(epoch from clock_timestamp() - a.state_change), 0)::float8 as idle_seconds,
       left(coalesce(a.query, ''), 1000) as query,
       a.pid is null as gone,
       a.pid is not null and a.backend_type is null as hidden,
       a.backend_type is not null and w.xact_start is not null
           and a.xact_start is distinct from w.xact_start as moved_on,
       case
           when a.pid is null then 'is gone'
           when a.backend_type is null then 'can''t be seen'
           when w.xact_start is not null and a.xact_start is distinct from w.xact_start
               then 'has ended that transaction'
           when coalesce(a.state, '') <> all (
               case when coalesce(w.state, 'idle in transaction') like 'idle in transaction%%'
                    then array['idle in transaction', 'idle in transaction (aborted)'] else array[w.state] end)
               then 'is ' || coalesce(a.state, 'starting') || ' now'
           when a.wait_event_type = 'Lock' and a.pid <> all (array(
                    select unnest(pg_blocking_pids(b.pid)) from pg_stat_activity b where b.wait_event_type = 'Lock'))
               then 'waits for another itself and holds up nobody'
           when w.statement is not null and a.query_id is distinct from w.statement then 'runs another statement now'
           when w.state_change is not null and a.state_change is distinct from w.state_change then 'was used since'
       end as changed,
       {protection} as protection
from unnest(%(pids)s::int[], %(starts)s::timestamptz[], %(transactions)s::timestamptz[], %(states)s::text[],
            %(changes)s::timestamptz[], %(statements)s::bigint[])
     as w (pid, backend_start, xact_start, state, state_change, statement)
left join pg_stat_activity a on a.pid = w.pid and (a.backend_start = w.backend_start or a.backend_type is null)
left join pg_roles r on r.oid = a.usesysid
order by w.pid
