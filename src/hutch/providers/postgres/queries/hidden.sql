-- How many sessions of other roles this login may not look into (it lacks pg_monitor).
select count(*)::int as hidden
from pg_stat_activity
where backend_type is null and datid is not null
