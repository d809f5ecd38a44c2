-- Live: the largest runs of deletions of this kind, each by one account, with no longer gap between two of them.
with entries as (
    select {who_column}::text as who, {at_column}::timestamptz as at from {audit} a
    where {action_column}::text like {pattern} and {at_column} > now() - {horizon}::interval
      and ({account}::text is null or {who_column}::text = {account}::text)
),
marked as (
    select who, at, at - lag(at) over (partition by who order by at) > {gap}::interval as begins from entries
),
numbered as (
    select who, at, count(*) filter (where begins) over (partition by who order by at) as run from marked
)
select who, count(*)::int as deletions, min(at) as first, max(at) as last
from numbered group by who, run order by count(*) desc, max(at) desc limit 5
