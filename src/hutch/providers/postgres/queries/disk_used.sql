-- Bytes that this server's databases and its log of changes take; the log's part needs pg_monitor.
select (select sum(pg_database_size(oid)) from pg_database where has_database_privilege(oid, 'connect')
            or pg_has_role('pg_read_all_stats', 'usage'))
       + case when pg_has_role('pg_monitor', 'usage') then (select sum(size) from pg_ls_waldir()) else 0 end as bytes
