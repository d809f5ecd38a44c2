-- Blocks the network, unless it is blocked already, other users are behind it, or it holds this connection itself.
with {@pairs},
neighbours as (
    select count(distinct e.account)::int as count from entries e
    where e.network <<= %(network)s::inet
      and not exists (select from pairs p where p.opened and p.network = e.network and p.account = e.account)
),
standing as (
    select from {blocks} b where b.{address}::inet >>= %(network)s::inet and b.{blocked_until} > now()
)
insert into {blocks} ({address}, {reason}, {blocked_until})
select %(network)s::inet, %(reason)s, now() + make_interval(mins => %(minutes)s::int)
from neighbours
where neighbours.count <= %(neighbours)s
  and not exists (select from standing)
  and coalesce(not inet_client_addr() <<= %(network)s::inet, true)
  and coalesce(not inet_server_addr() <<= %(network)s::inet, true)
returning {blocked_until} as blocked_until
