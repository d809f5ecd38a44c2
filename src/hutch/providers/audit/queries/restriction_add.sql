-- Restricts the account, unless it is protected or restricted as much already.
insert into {restrictions} ({account}, {restriction}, {reason}, {restricted_until})
select u.{user}, %(kind)s, %(reason)s, now() + make_interval(hours => %(hours)s::int)
from {users} u
where u.{user}::text = %(account)s
  and not (u.{user}::text = any (%(protected)s) or lower(u.{email}) = any (%(protected)s))
  and not exists (select from {restrictions} r
                  where r.{account} = u.{user} and r.{restricted_until} > now()
                    and r.{restriction} in ('all', %(kind)s))
returning {restricted_until} as restricted_until
