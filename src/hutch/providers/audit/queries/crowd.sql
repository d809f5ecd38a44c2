-- Networks that only fail, nobody having logged in from them lately, taken together; of each no more counts than is too
-- much for one. "crossed": who tried whom, by pairs; where everybody tries an account of their own there are no more
-- pairs than accounts. "named": those that people would hardly be: several accounts, or more failures than typos make.
with {@pairs},
blocked as materialized (
    select network({address}::inet) as network, max({at}) as at from {blocks}
    where {blocked_until} > now()
    group by 1
),
wide as materialized (
    select network, at from blocked where masklen(network) < case family(network) when 6 then 64 else 32 end
),
strangers as (
    select p.network, sum(p.failures)::int as failures, count(*)::int as accounts, min(p.first) as first,
           max(p.last) as last, sum(p.last_minute)::int as last_minute
    from pairs p
    where p.network not in (select e.network from entries e)
    group by p.network
),
crowd as materialized (
    select s.*, s.accounts >= %(crowd_tries)s or s.failures > %(typos)s as named
    from strangers s
    left join blocked b on b.network = s.network
    where (b.at is null or s.last > b.at + make_interval(secs => %(settling)s))
      and not exists (select from wide w where w.network >> s.network
                      and s.last <= w.at + make_interval(secs => %(settling)s))
)
select count(*)::int as networks, coalesce(sum(failures), 0)::int as failures,
       coalesce(sum(least(failures, %(failures_per_address)s + 1)), 0)::int as counted,
       coalesce(sum(accounts), 0)::int as crossed, coalesce(sum(last_minute), 0)::int as last_minute,
       (select count(distinct p.tried)::int from pairs p join crowd using (network)) as accounts,
       min(first) as first, max(last) as last, extract(epoch from now() - max(last))::float8 as quiet,
       coalesce(array_agg(network::text order by failures desc, network) filter (where named), '{{}}') as named
from crowd
