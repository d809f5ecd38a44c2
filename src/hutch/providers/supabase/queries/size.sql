-- The database's size, and whether the project was made read-only, as Supabase does when its disk is nearly full.
select current_database() as database, pg_database_size(current_database())::float8 as bytes,
       s.setting = 'on' and s.source in ('configuration file', 'database') as read_only
from pg_settings s where s.name = 'default_transaction_read_only'
