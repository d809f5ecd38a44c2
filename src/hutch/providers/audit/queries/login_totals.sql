-- How many failed log-ins the window holds in all.
select count(*)::int as failures,
       count(*) filter (where {at} > now() - interval '1 minute')::int as last_minute
from {security}
where {event} like %(e_failure)s and {at} > now() - make_interval(secs => %(window)s)
