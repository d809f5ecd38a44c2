-- Whether statements are counted, and can be asked for by this login: the extension is loaded and created.
select to_regclass('pg_stat_statements') is not null
       and current_setting('pg_stat_statements.max', true) is not null as available
