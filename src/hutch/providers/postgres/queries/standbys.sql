-- How far each reader of this server's WAL is behind, in bytes and seconds. pg_basebackup and pg_receivewal replay
-- nothing. A login without pg_monitor sees that there are some, and nothing of them: "hidden".
select coalesce(nullif(w.application_name, ''), w.client_addr::text, w.pid::text) as standby,
       coalesce(w.client_addr::text, '') as client, coalesce(w.state, '') as state, w.state is null as hidden,
       pg_wal_lsn_diff(w.at, sent_lsn)::float8 as unsent,
       pg_wal_lsn_diff(sent_lsn, write_lsn)::float8 as in_flight,
       pg_wal_lsn_diff(write_lsn, replay_lsn)::float8 as unplayed,
       pg_wal_lsn_diff(w.at, replay_lsn)::float8 as behind,
       extract(epoch from replay_lag)::float8 as seconds
from (
    select *, case when pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end as at
    from pg_stat_replication
) w
where state is null or replay_lsn is not null
order by behind desc nulls last
