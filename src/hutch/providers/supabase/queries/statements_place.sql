-- Where pg_stat_statements is: Supabase puts it into the schema `extensions`.
select n.nspname as schema, has_schema_privilege(n.oid, 'usage') as usable, current_user as login
from pg_extension e join pg_namespace n on n.oid = e.extnamespace
where e.extname = 'pg_stat_statements'
