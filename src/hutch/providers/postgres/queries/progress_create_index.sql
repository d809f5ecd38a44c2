-- How far the index build of one session is: blocks while the table is read, rows while they are put in order.
select coalesce(nullif(p.index_relid, 0)::regclass, p.relid::regclass)::text as object, p.phase,
       case when p.lockers_total > 0 then p.lockers_done when p.blocks_total > 0 then p.blocks_done else p.tuples_done end as done,
       case when p.lockers_total > 0 then p.lockers_total when p.blocks_total > 0 then p.blocks_total else p.tuples_total end as total,
       case when p.lockers_total > 0 then 'sessions waited for' when p.blocks_total > 0 then 'blocks' else 'rows' end as unit
from pg_stat_progress_create_index p
where p.pid = %(pid)s::int
