-- What the statements of this database have cost so far, all together.
select coalesce(sum(calls), 0)::float8 as calls, coalesce(sum(total_exec_time), 0)::float8 as milliseconds
from pg_stat_statements(false)
where dbid = (select oid from pg_database where datname = current_database())
