-- One replication slot: who uses it, and how much of the log of changes it keeps.
select s.slot_type::text as type, s.active, s.active_pid, s.temporary, coalesce(s.database::text, '') as database,
       coalesce(s.plugin::text, '') as plugin, s.restart_lsn::text as restart_lsn, s.wal_status::text as wal_status,
       coalesce(pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end,
                                s.restart_lsn), 0)::float8 as kept,
       coalesce((select l.rolsuper or l.rolreplication from pg_roles l where l.rolname = %(login)s::text), false) as allowed
from pg_replication_slots s
where s.slot_name = %(slot)s::text
