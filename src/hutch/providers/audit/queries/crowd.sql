-- Networks that only fail, nobody having logged in from them lately, taken together; of each no more counts than is too
-- much for one. "crossed": who tried whom, by pairs; where everybody tries an account of their own there are no more
-- pairs than accounts. "unlike": those that people would hardly be: several accounts, or more failures than typos make.
-- Two rows: all of them, with those that are kept out by a block, for the attack is no smaller for having been answered;
-- then those that are still at large, with the names of the unlike ones.
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
           max(p.last) as last, sum(p.last_minute)::int as last_minute, array_agg(p.tried) as tried
    from pairs p
    where p.network not in (select e.network from entries e)
    group by p.network
),
crowd as materialized (
    select s.*, s.accounts >= %(crowd_tries)s or s.failures > %(typos)s as unlike,
           coalesce(s.last <= b.at + make_interval(secs => %(settling)s), false)
           or exists (select from wide w where w.network >> s.network
                      and s.last <= w.at + make_interval(secs => %(settling)s)) as kept_out
    from strangers s
    left join blocked b on b.network = s.network
),
parts as (
    select true as everybody, c.* from crowd c
    union all
    select false, c.* from crowd c where not c.kept_out
),
victims as (
    select everybody, count(distinct account)::int as accounts
    from parts, unnest(tried) as account
    group by everybody
)
select count(network)::int as networks, coalesce(sum(failures), 0)::int as failures,
       coalesce(sum(least(failures, %(failures_per_address)s + 1)), 0)::int as counted,
       coalesce(sum(parts.accounts), 0)::int as crossed, coalesce(sum(last_minute), 0)::int as last_minute,
       coalesce(max(v.accounts), 0) as accounts, count(*) filter (where unlike)::int as unlike,
       count(*) filter (where kept_out)::int as kept_out,
       min(first) as first, max(last) as last, extract(epoch from now() - max(last))::float8 as quiet,
       coalesce(array_agg(network::text order by failures desc, network)
                filter (where unlike and not everybody), '{{}}') as named
from (values (true), (false)) as whose (everybody)
left join parts using (everybody)
left join victims v using (everybody)
group by everybody
order by everybody desc
