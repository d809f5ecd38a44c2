-- Failed log-ins of the window by network and account, and by what came after them: a pair has a row for each of the
-- three. IPv6 counts by the /64.
-- "forgiven": a few failures and then a success of the same account from the same network, so typos, each time anew.
-- "opened": a success after more failures than that, so perhaps a password that was guessed.
-- Neither: no success has followed.
failures as (
    select network(set_masklen({address}::inet, case family({address}::inet) when 6 then 64 else 32 end)) as network,
           coalesce({account}::text, {details} ->> %(account_key)s, '') as tried, {account}::text as account,
           {address}::inet as address, {at} as at
    from {security}
    where {event} like %(e_failure)s and {address} is not null
      and {at} > now() - make_interval(secs => %(window)s)
),
entries as (
    select network(set_masklen({address}::inet, case family({address}::inet) when 6 then 64 else 32 end)) as network,
           {account}::text as account, {at} as at
    from {audit}
    where {action} like %(e_success)s and {address} is not null and {account} is not null
      and {at} > now() - make_interval(days => %(neighbour_days)s::int)
),
tries as (
    select network, tried, account, count(*)::int as failures, count(distinct address)::int as addresses,
           min(at) as first, max(at) as last,
           count(*) filter (where at > now() - interval '1 minute')::int as last_minute
    from failures
    group by network, tried, account
),
successes as (
    select network, account, max(at) as at
    from entries
    where at > now() - make_interval(secs => %(window)s)
    group by network, account
),
numbered as (
    select h.*, count(*) filter (where success) over (partition by network, account order by at, success) as before,
           count(*) filter (where success) over (partition by network, account) as successes
    from (
        select network, tried, account, address, at, false as success from failures
        union all
        select network, null, account, null, at, true from entries where at > now() - make_interval(secs => %(window)s)
    ) h
),
sized as (
    select *, before < successes as ended, count(*) over (partition by network, tried, before) as run
    from numbered where not success
),
pairs as (
    select network, tried, account, ended and run <= %(typos)s as forgiven, ended and run > %(typos)s as opened,
           count(*)::int as failures, count(distinct address)::int as addresses, min(at) as first, max(at) as last,
           count(*) filter (where at > now() - interval '1 minute')::int as last_minute
    from sized
    group by network, tried, account, forgiven, opened
)
