-- The normalized texts of some statements: $1 where a value stood.
select distinct on (queryid) queryid, query
from pg_stat_statements
where queryid = any (%(ids)s::bigint[])
  and dbid = (select oid from pg_database where datname = current_database())
  and query is not null
order by queryid, calls desc
