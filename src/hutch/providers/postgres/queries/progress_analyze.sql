-- How far the analyze of one session is, by blocks of the sample.
select p.relid::regclass::text as object, p.phase, 'blocks' as unit, p.sample_blks_total as total, p.sample_blks_scanned as done
from pg_stat_progress_analyze p
where p.pid = %(pid)s::int
