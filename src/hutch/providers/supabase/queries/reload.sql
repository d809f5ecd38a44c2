-- PostgREST listens: docs.postgrest.org, Schema Cache Reloading.
select pg_notify('pgrst', 'reload schema')
