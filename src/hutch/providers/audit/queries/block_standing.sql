-- The active blocks that hold the network, the longest first, and who was let in since the longest began.
with standing as (
    select b.{address}::inet as address, b.{at} as at, b.{blocked_until} as blocked_until,
           b.{address}::inet = %(network)s::inet as exact
    from {blocks} b
    where b.{address}::inet >>= %(network)s::inet and b.{blocked_until} > now()
)
select text(s.address) as address, s.at, s.blocked_until, s.exact,
       extract(epoch from s.blocked_until - now())::float8 / 60 as minutes,
       (select count(*)::int from {security} l
        where l.{event} like %(e_failure)s and l.{address}::inet <<= %(network)s::inet
          and l.{at} > s.at + make_interval(secs => %(settling)s)) as tried,
       (select count(*)::int from {audit} l
        where l.{action} like %(e_success)s and l.{address}::inet <<= %(network)s::inet
          and l.{at} > s.at + make_interval(secs => %(settling)s)) as entered
from standing s
order by s.blocked_until desc
