-- Replication slots and the WAL that each makes the server keep.
select slot_name::text as slot, slot_type as type, coalesce(plugin::text, '') as plugin,
       coalesce(database::text, '') as database, active, temporary, coalesce(wal_status, '') as status,
       restart_lsn::text as restart_lsn,
       coalesce(pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end,
                                restart_lsn), 0)::float8 as kept
from pg_replication_slots
order by kept desc
