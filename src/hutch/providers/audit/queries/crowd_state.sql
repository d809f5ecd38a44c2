-- Of the networks: how many there are, are blocked, and have other users behind them; and who got in since the blocks.
with entries as (
    select network(set_masklen({address}::inet, case family({address}::inet) when 6 then 64 else 32 end)) as network,
           max({at}) as at
    from {audit}
    where {action} like %(e_success)s and {address} is not null and {account} is not null
      and {at} > now() - make_interval(days => %(neighbour_days)s::int)
    group by 1
),
tries as (
    select network(set_masklen({address}::inet, case family({address}::inet) when 6 then 64 else 32 end)) as network,
           max({at}) as at
    from {security}
    where {event} like %(e_failure)s and {address} is not null and {at} > now() - make_interval(secs => %(window)s)
    group by 1
),
blocked as (
    select network({address}::inet) as network, max({at}) as at from {blocks} where {blocked_until} > now() group by 1
),
meant as (
    select distinct asked.network::inet as network from unnest(%(networks)s::text[]) as asked (network)
)
select count(*)::int as meant, count(b.network)::int as blocked,
       count(*) filter (where e.network is not null and b.network is null)::int as shared,
       count(*) filter (where t.at > b.at + make_interval(secs => %(settling)s)
                        or e.at > b.at + make_interval(secs => %(settling)s))::int as disobeyed
from meant m
left join blocked b using (network)
left join entries e using (network)
left join tries t using (network)
