-- Who holds back the oldest rows that any vacuum may take away: transactions, prepared ones, slots, standbys.
-- Sessions and prepared transactions hold back the rows of their own database; a logical slot only those of catalogues,
-- which counts where it is about transaction numbers (catalogs). A snapshot is as old as the oldest transaction that ran when it was taken: that
-- one itself comes first.
select kind, id, holder, age::int8 as age, seconds::float8 as seconds, exempt, pid, role, application,
       backend_start, xact_start, state, query, protection, idle_seconds, restart_lsn
from (
    select 'session' as kind, a.pid::text as id,
           coalesce(a.usename::text, '') || ' ' || coalesce(nullif(a.application_name, ''), '(no application name)')
               as holder,
           greatest(age(a.backend_xmin), age(a.backend_xid)) as age,
           coalesce(age(a.backend_xid) >= age(a.backend_xmin), false) as itself,
           extract(epoch from clock_timestamp() - a.xact_start) as seconds,
           {excused} as exempt,
           a.pid, coalesce(a.usename::text, '') as role, coalesce(a.application_name, '') as application,
           a.backend_start, a.xact_start, coalesce(a.state, '') as state, left(coalesce(a.query, ''), 1000) as query,
           {protection} as protection,
           coalesce(extract(epoch from clock_timestamp() - a.state_change), 0)::float8 as idle_seconds,
           null::text as restart_lsn
    from pg_stat_activity a
    left join pg_roles r on r.oid = a.usesysid
    where (a.backend_xmin is not null or a.backend_xid is not null)
      and (a.datname = current_database() or a.datname is null)
      and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'
      and a.application_name is distinct from current_setting('application_name')
    union all
    select 'prepared transaction', p.gid, p.owner::text, age(p.transaction), true,
           extract(epoch from clock_timestamp() - p.prepared), false, 0, p.owner::text, '', null, p.prepared, 'prepared',
           '', null, 0, null
    from pg_prepared_xacts p
    where p.database = current_database()
    union all
    select 'slot', s.slot_name::text, coalesce(s.plugin::text, s.slot_type), 
           case when %(catalogs)s::bool then greatest(age(s.xmin), age(s.catalog_xmin)) else age(s.xmin) end, true,
           0, false, coalesce(s.active_pid, 0), '', '', null, null, case when s.active then 'active' else 'inactive' end,
           '', null, 0, s.restart_lsn::text
    from pg_replication_slots s
    where s.xmin is not null or s.catalog_xmin is not null
    union all
    select 'standby', coalesce(nullif(w.application_name, ''), w.client_addr::text, w.pid::text), 'hot_standby_feedback',
           age(w.backend_xmin), false, 0, true, w.pid, '', '', null, null, w.state, '', null, 0, null
    from pg_stat_replication w
    where w.backend_xmin is not null
) found
where age is not null
order by age desc, itself desc, seconds desc
limit 3
