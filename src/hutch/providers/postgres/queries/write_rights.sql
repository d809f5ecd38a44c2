-- What this login could change, one line a right; tables are named only up to a few.
select 'is a superuser' as right from pg_roles where rolname = current_user and rolsuper
union all
select 'may create roles' from pg_roles where rolname = current_user and rolcreaterole
union all
select 'may create databases' from pg_roles where rolname = current_user and rolcreatedb
union all
select 'is a member of ' || rolname from pg_roles
where rolname in ('pg_signal_backend', 'pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program',
                  'pg_checkpoint', 'pg_maintain', 'pg_create_subscription')
  and pg_has_role(oid, 'usage')
union all
select 'may create objects in schema ' || nspname from pg_namespace
where nspname !~ '^pg_' and has_schema_privilege(oid, 'create')
union all
select 'may create schemas in database ' || current_database()
where has_database_privilege(current_database(), 'create')
union all
(select 'may change table ' || c.oid::regclass from pg_class c
 join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
   and has_table_privilege(c.oid, 'insert, update, delete, truncate')
 limit 5)
