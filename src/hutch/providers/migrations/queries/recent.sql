-- What was applied lately, where the table says when.
select version, at
from (select coalesce(to_jsonb(m) ->> 'version', to_jsonb(m) ->> 'migration_name') as version,
             coalesce(to_jsonb(m) ->> 'finished_at', to_jsonb(m) ->> 'applied_at',
                      to_jsonb(m) ->> 'installed_on')::timestamptz as at
      from {table} m) as marked
where version is not null and at > now() - make_interval(days => %(days)s)
order by at desc
limit 100
