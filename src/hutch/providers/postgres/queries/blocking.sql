-- Every waiting session with the session at the root of its wait: the one that waits for nobody.
-- union, not union all: in a queue everybody waits for all ahead of him, so single paths would be 2^n.
-- pg_blocking_pids gives pid 0 for a prepared transaction. pg_locks.waitstart exists from version 14 on.
-- An advisory key is one bigint (objsubid 1) or two ints, which pg_locks shows unsigned.
with recursive sessions as materialized (
    select a.pid,
           {whose},
           coalesce(a.state, '') as state,
           a.backend_start, a.xact_start, a.state_change,
           coalesce(extract(epoch from clock_timestamp() - a.state_change), 0)::float8 as idle_seconds,
           left(coalesce(a.query, ''), 1000) as query,
           {protection} as protection,
           {excused} as exempt
    from pg_stat_activity a
    left join pg_roles r on r.oid = a.usesysid
),
waiting as materialized (
    select l.pid, l.locktype, l.mode, l.waitstart,
           case when l.locktype = 'advisory' and l.objsubid = 1
                    then 'advisory lock ' || ((l.classid::bigint << 32) | l.objid::bigint)
                when l.locktype = 'advisory'
                    then 'advisory lock ' || l.classid::bigint::bit(32)::int || ', ' || l.objid::bigint::bit(32)::int
                when l.relation is null then ''
                when l.database = (select oid from pg_database where datname = current_database())
                    then l.relation::regclass::text
                else l.relation::text end as relation,
           pg_blocking_pids(l.pid) as blockers
    from pg_locks l
    where not l.granted
),
edges as materialized (
    select distinct w.pid as waiter, b.pid as blocker
    from waiting w cross join lateral unnest(w.blockers) as b (pid)
),
walk as (
    select waiter, blocker from edges
    union
    select walk.waiter, edges.blocker from walk join edges on edges.waiter = walk.blocker
)
select w.pid as waiter, w.locktype, w.mode, w.relation, w.blockers,
       coalesce(ws.role, '') as waiter_role,
       coalesce(ws.application, '') as waiter_application,
       coalesce(ws.state, '') as waiter_state,
       ws.backend_start as waiter_backend_start,
       ws.xact_start as waiter_xact_start,
       ws.protection as waiter_protection,
       coalesce(extract(epoch from clock_timestamp() - coalesce(w.waitstart, ws.state_change)), 0)::float8 as waits,
       coalesce(ws.query, '') as waiter_query,
       walk.blocker as pid,
       coalesce(a.role, '') as role,
       coalesce(a.application, '') as application,
       coalesce(a.client, '') as client,
       coalesce(a.database, '') as database,
       coalesce(a.state, '') as state,
       a.backend_start, a.xact_start,
       coalesce(a.idle_seconds, 0) as idle_seconds,
       coalesce(a.query, '') as query,
       case when a.pid is null then 'can''t be seen by this login: grant it pg_monitor' else a.protection end
           as protection,
       coalesce(a.exempt, false) as exempt
from walk
join waiting w on w.pid = walk.waiter
left join sessions ws on ws.pid = walk.waiter
left join sessions a on a.pid = walk.blocker
where walk.blocker not in (select waiter from edges)
order by walk.blocker, waits desc
