-- Who and what answers.
select current_setting('server_version') as version,
       current_setting('server_version_num')::int as version_number,
       current_database()::text as database,
       current_user::text as login,
       pg_postmaster_start_time() as started,
       pg_is_in_recovery() as standby
