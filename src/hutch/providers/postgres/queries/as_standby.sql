-- How this server, a standby, follows: WAL received and not yet replayed, since when it replays nothing new, and why.
select pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::float8 as unplayed,
       extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8 as replayed_ago,
       pg_is_wal_replay_paused() as paused,
       exists (select 1 from pg_stat_wal_receiver where status = 'streaming') as receiving,
       pg_has_role('pg_read_all_stats', 'usage') as stats,
       (select extract(epoch from clock_timestamp() - last_msg_receipt_time) from pg_stat_wal_receiver)::float8
           as heard_ago
where pg_is_in_recovery()
