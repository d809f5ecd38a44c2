-- What took the most time of all, without texts; the view lies in {schema}.
select coalesce(queryid::text, 'a hidden one') as id, calls, (total_exec_time / 1000)::float8 as seconds, mean_exec_time::float8 as mean_ms,
       (select count(*) from {schema}.pg_stat_statements where query = '<insufficient privilege>') as hidden,
       (select count(*) from {schema}.pg_stat_statements) as statements
from {schema}.pg_stat_statements
order by total_exec_time desc limit 3
