-- The account, whether it is protected, and the restriction of this kind (or of everything) that stands already.
select u.{user}::text as account, u.{email} as email,
       u.{user}::text = any (%(protected)s) or lower(u.{email}) = any (%(protected)s) as protected,
       (select max(r.{restricted_until}) from {restrictions} r
        where r.{account} = u.{user} and r.{restricted_until} > now()
          and r.{restriction} in ('all', %(kind)s)) as restricted_until,
       (select count(*)::int from {audit} l
        where l.{account} = u.{user} and l.{at} > now() - interval '1 hour') as acts
from {users} u
where u.{user}::text = %(account)s
