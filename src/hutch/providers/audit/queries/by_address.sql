-- Networks with more failed log-ins than one may make, the most first. Everybody who got in meanwhile may mistype once.
with {@pairs},
networks as (
    select network,
           coalesce(sum(failures) filter (where not forgiven), 0)::int as failures,
           coalesce(sum(failures) filter (where forgiven), 0)::int as typos,
           count(distinct tried) filter (where not forgiven)::int as accounts,
           max(failures) filter (where not forgiven) as most,
           (array_agg(account order by failures desc) filter (where not forgiven))[1] as most_account,
           sum(last_minute)::int as last_minute, max(addresses) as addresses,
           min(first) filter (where not forgiven) as first, max(last) filter (where not forgiven) as last,
           coalesce(array_agg(account order by account) filter (where opened), '{{}}') as opened
    from pairs
    group by network
),
opened as (
    select distinct network, account from pairs where opened
),
others as (
    select e.network, count(distinct e.account)::int as neighbours from entries e
    where not exists (select from opened o where o.network = e.network and o.account = e.account)
    group by e.network
),
entered as (
    select s.network, count(*)::int as visitors from successes s
    where not exists (select from opened o where o.network = s.network and o.account = s.account)
    group by s.network
),
judged as (
    select n.*, coalesce(o.neighbours, 0) as neighbours, coalesce(e.visitors, 0) as visitors
    from networks n
    left join others o using (network)
    left join entered e using (network)
    where n.failures > %(failures_per_address)s + coalesce(e.visitors, 0)
    order by failures desc, network
    limit 50
),
around as (
    select j.network, network(set_masklen(j.network, width)) as wide
    from judged j, generate_series(0, masklen(j.network)) width
),
held as (
    select a.network,
           max(b.{at}) filter (where b.{blocked_until} > now()) as blocked_at,
           count(*) filter (where a.wide = a.network and b.{blocked_until} <= now()
                              and b.{blocked_until} > now() - make_interval(days => %(repeat_days)s::int))::int as former
    from {blocks} b
    join around a on a.wide = network(b.{address}::inet)
    group by a.network
)
select network::text as network, failures, typos, accounts, most, most_account, last_minute, addresses,
       first, last, opened, neighbours, visitors,
       extract(epoch from now() - last)::float8 as quiet,
       coalesce(h.former, 0) as former, h.blocked_at
from judged j
left join held h using (network)
order by failures desc, network
