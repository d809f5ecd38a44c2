SELECT current_database() AS database,
       current_setting('server_version_num')::int AS version,
       pg_database_size(current_database()) AS bytes
