-- The sessions that stand and are to end. Those still "older" began before the moment that was approved; where none was,
-- before the last such revocation for the same reason, as the audit table has it: an earlier one proves nothing of this.
with meant as (
    select s.{account} as account, s.{at} as at, s.{expires_at} as expires_at, s.{revoked_at} as revoked_at
    from {sessions} s
    where %(account)s::text = '' or s.{account}::text = %(account)s::text
),
moment as (
    select coalesce(%(before)s::timestamptz, max(a.{at})) as at from {audit} a
    where a.{action} = 'session.revoked' and a.{details} ->> 'scope' = %(scope)s::text
      and a.{details} ->> 'reason' = %(reason)s::text
)
select count(*) filter (where m.revoked_at is null and m.expires_at > now()
                          and (%(before)s::timestamptz is null or m.at <= %(before)s::timestamptz))::int as standing,
       count(distinct m.account) filter (where m.revoked_at is null and m.expires_at > now()
                          and (%(before)s::timestamptz is null or m.at <= %(before)s::timestamptz))::int as accounts,
       count(*) filter (where m.revoked_at is null and m.expires_at > now()
                          and (moment.at is null or m.at <= moment.at))::int as older,
       count(m.revoked_at)::int as marked
from moment left join meant m on true
