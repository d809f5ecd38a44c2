-- Blocks each of the approved networks that is still not blocked, has nobody behind it and holds none of our connections.
with entries as (
    select distinct network(set_masklen({address}::inet, case family({address}::inet) when 6 then 64 else 32 end)) as network
    from {audit}
    where {action} like %(e_success)s and {address} is not null and {account} is not null
      and {at} > now() - make_interval(days => %(neighbour_days)s::int)
),
standing as materialized (
    select network({address}::inet) as network from {blocks} where {blocked_until} > now()
),
wide as materialized (
    select network from standing where masklen(network) < case family(network) when 6 then 64 else 32 end
),
meant as (
    select distinct asked.network::inet as network from unnest(%(networks)s::text[]) as asked (network)
)
insert into {blocks} ({address}, {reason}, {blocked_until})
select m.network, %(reason)s, now() + make_interval(mins => %(minutes)s::int)
from meant m
where m.network not in (select network from entries)
  and m.network not in (select network from standing)
  and not exists (select from wide w where w.network >> m.network)
  and coalesce(not inet_client_addr() <<= m.network, true)
  and coalesce(not inet_server_addr() <<= m.network, true)
returning text({address}::inet) as address
