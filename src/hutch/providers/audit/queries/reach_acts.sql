-- What read or took out data while the breach was open, narrowed to the addresses and accounts that were named, if any.
acts as (
    select a.{account} as account, a.{action} as action, a.{address}::inet as address, a.{at} as at,
           a.{details} as details
    from {audit} a
    where a.{at} between %(since)s::timestamptz and %(until)s::timestamptz
      and a.{action} in ('data.exported', 'data.accessed')
      and (cardinality(%(addresses)s::text[]) = 0
           or exists (select from unnest(%(addresses)s::text[]) n where a.{address}::inet <<= n::inet))
      and (cardinality(%(accounts)s::text[]) = 0 or a.{account}::text = any (%(accounts)s::text[]))
),
people as (
    select account, count(*) filter (where action = 'data.exported')::int as exported,
           count(*) filter (where action = 'data.accessed')::int as accessed,
           min(at) as first, max(at) as last, array_agg(distinct text(address)) as addresses
    from acts
    where account is not null
    group by account
)
