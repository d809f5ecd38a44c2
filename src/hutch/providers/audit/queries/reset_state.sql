-- How a forced reset stands: whom it is still to reach, whom it meant, and who has yet to choose a new password.
with {@reset_meant}
select (select count(*)::int from meant) as left,
       (select count(*)::int from {users} u
        where u.{at} <= %(since)s::timestamptz and (%(account)s::text = '' or u.{user}::text = %(account)s::text)) as accounts,
       (select count(*)::int from {users} u where u.{reset_required}
          and (%(account)s::text = '' or u.{user}::text = %(account)s::text)) as waiting,
       (select count(*)::int from {sessions} s join meant m on m.account = s.{account}
        where s.{revoked_at} is null and s.{expires_at} > now()) as sessions
