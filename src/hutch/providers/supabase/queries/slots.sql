-- Replication slots and the WAL that each holds back. Every login sees them.
select slot_name as name, active,
       case when pg_is_in_recovery() then 0
            else coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0) end::float8 as bytes
from pg_replication_slots order by 3 desc
