-- The time line: what happened in each hour of it.
select date_trunc('hour', at) as hour, what, count(*)::int as count
from (
    select s.{at} as at, s.{event}::text as what from {security} s
    where s.{at} between %(since)s::timestamptz and %(until)s::timestamptz
    union all
    select a.{at}, a.{action}::text from {audit} a
    where a.{at} between %(since)s::timestamptz and %(until)s::timestamptz
      and a.{action} in ('data.exported', 'data.accessed')
) happened
group by hour, what
order by hour, what
limit 5000
