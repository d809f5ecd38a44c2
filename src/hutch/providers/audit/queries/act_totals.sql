-- How often one thing was done in the window, by everybody together.
select count(*)::int as count, count(distinct {account})::int as accounts
from {audit}
where {action} like %(acts)s and {at} > now() - make_interval(secs => %(act_window)s)
