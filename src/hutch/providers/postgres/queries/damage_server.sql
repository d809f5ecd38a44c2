-- Whether pages have checksums, how often they did not match, and where amcheck is.
select current_setting('data_checksums') = 'on' as checksums,
       coalesce((select checksum_failures from pg_stat_database where datname = current_database()), 0)::int8 as failures,
       (select n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace
        where e.extname = 'amcheck') as amcheck,
       pg_is_in_recovery() as standby
