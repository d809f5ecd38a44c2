-- How far the vacuum of one session is, by blocks of the table.
select p.relid::regclass::text as object, p.phase, 'blocks' as unit, p.heap_blks_total as total,
       case when p.phase like 'vacuuming heap' then p.heap_blks_vacuumed else p.heap_blks_scanned end as done
from pg_stat_progress_vacuum p
where p.pid = %(pid)s::int
