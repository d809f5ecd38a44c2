-- Reads of everybody's data at once (an admin's list): they reach people who are not named in the line.
with {@reach_acts}
select count(*)::int as times, count(distinct account)::int as accounts,
       coalesce(sum((details ->> 'records')::int), 0)::int as records
from acts
where action = 'data.accessed' and details ? 'records'
