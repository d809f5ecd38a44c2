-- What was applied lately, where the table says when; what was begun and not finished was not applied.
select version, at
from (select coalesce(j ->> 'version', j ->> 'migration_name') as version,
             coalesce(j ->> 'finished_at', j ->> 'applied_at', j ->> 'installed_on')::timestamptz as at,
             j ->> 'started_at' is not null and j ->> 'finished_at' is null as half
      from (select to_jsonb(m) as j from {table} m) as kept) as marked
where version is not null and not half and at > now() - make_interval(days => %(days)s)
order by at desc, version desc
limit 100
