-- When each version was applied, where the table says it; of one that was only begun, when that was.
select coalesce(j ->> 'version', j ->> 'migration_name') as version,
       coalesce(j ->> 'finished_at', j ->> 'applied_at', j ->> 'installed_on', j ->> 'started_at')::timestamptz as at
from (select to_jsonb(m) as j from {table} m limit 50000) as kept
