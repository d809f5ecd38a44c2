-- Ends the sessions that stand, by a mark: their rows stay. One line for each account goes into the audit table with it.
with ended as (
    update {sessions} s set {revoked_at} = now()
    where s.{revoked_at} is null and s.{expires_at} > now()
      and s.{at} <= coalesce(%(before)s::timestamptz, now())
      and (%(account)s::text = '' or s.{account}::text = %(account)s::text)
    returning s.{account} as account
),
told as (
    insert into {audit} ({account}, {action}, {details})
    select account, 'session.revoked',
           jsonb_build_object('by', 'operator', 'scope', %(scope)s::text, 'sessions', count(*), 'reason', %(reason)s::text)
    from ended group by account
    returning 1
)
select (select count(*)::int from ended) as sessions, (select count(*)::int from told) as accounts
