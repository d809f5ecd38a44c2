-- What each statement of this database has cost so far: time, pages found and read, temporary pages written.
select queryid, sum(calls)::bigint as calls, sum(total_exec_time)::float8 as milliseconds,
       sum(shared_blks_hit)::bigint as hits, sum(shared_blks_read)::bigint as reads,
       sum(temp_blks_written)::bigint as temp_written, min(userid)::bigint as userid
from pg_stat_statements(false)
where dbid = (select oid from pg_database where datname = current_database())
  and queryid is not null
group by queryid
