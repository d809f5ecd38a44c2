-- Failed log-ins of the window by network and account, with the log-ins that followed them. IPv6 counts by the /64.
-- "forgiven": a few failures and then a success of the same account from the same network, so typos.
-- "opened": a success after more failures than that, so perhaps a password that was guessed.
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
pairs as (
    select t.*, s.at is not null and t.failures <= %(typos)s as forgiven,
           s.at is not null and t.failures > %(typos)s as opened
    from tries t
    left join successes s on s.network = t.network and s.account = t.account and s.at >= t.first
)
