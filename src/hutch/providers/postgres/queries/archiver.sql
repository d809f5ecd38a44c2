-- Whether finished WAL files are archived: what came last, a success or a failure.
select current_setting('archive_mode') as mode, archived_count, failed_count,
       last_failed_wal, extract(epoch from clock_timestamp() - last_failed_time)::float8 as failed_ago,
       extract(epoch from clock_timestamp() - last_archived_time)::float8 as archived_ago,
       coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) as failing
from pg_stat_archiver
