-- Large indexes that no statement has used since the counters began, and that carry no constraint.
-- On a standby they may be used all the same: its counters are its own.
select s.schemaname::text as schema, s.indexrelname::text as index, s.relname::text as table,
       pg_relation_size(s.indexrelid)::float8 as bytes, pg_get_indexdef(s.indexrelid) as definition,
       extract(epoch from clock_timestamp() - (select coalesce(stats_reset, pg_postmaster_start_time())
                                               from pg_stat_database where datname = current_database()))::float8
           / 86400 as days
from pg_stat_user_indexes s
join pg_index i on i.indexrelid = s.indexrelid
join pg_class c on c.oid = s.indexrelid
where s.idx_scan = 0 and not i.indisunique and i.indisvalid
  and c.relpages::bigint * current_setting('block_size')::int >= %(least)s::float8
  and not exists (select 1 from pg_constraint k where k.conindid = i.indexrelid)
  and not exists (select 1 from pg_inherits h where h.inhrelid = i.indexrelid)
order by c.relpages desc
limit 20
