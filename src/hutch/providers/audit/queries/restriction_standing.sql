-- The account's active restrictions, the longest first.
select r.{restriction} as kind, r.{at} as at, r.{restricted_until} as restricted_until,
       extract(epoch from r.{restricted_until} - now())::float8 / 3600 as hours
from {restrictions} r
where r.{account}::text = %(account)s and r.{restricted_until} > now()
  and (%(kind)s = '' or r.{restriction} = %(kind)s)
order by r.{restricted_until} desc
