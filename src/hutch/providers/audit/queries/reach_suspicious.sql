-- What looked wrong while the breach was open.
select s.{event} as event, count(*)::int as events, count(distinct s.{address})::int as addresses,
       count(distinct s.{account})::int as accounts, min(s.{at}) as first, max(s.{at}) as last
from {security} s
where s.{at} between %(since)s::timestamptz and %(until)s::timestamptz
group by s.{event}
order by events desc, event
