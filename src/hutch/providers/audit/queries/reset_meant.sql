-- Whom a forced reset is still to reach: accounts from before it that were not told to since then. Who has chosen a new
-- password meanwhile was reached. Of {users} the columns {user} and {email} are named in the settings.
meant as (
    select u.{user} as account, u.{email} as email from {users} u
    where u.{at} <= %(since)s::timestamptz and (%(account)s::text = '' or u.{user}::text = %(account)s::text)
      and not exists (
        select 1 from {audit} a
        where a.{account} = u.{user} and a.{action} = 'user.reset_forced' and a.{at} >= %(since)s::timestamptz
      )
)
