-- Networks with more failed log-ins than one may make, the most first. Everybody who got in meanwhile may mistype once.
with {@pairs},
networks as (
    select network,
           coalesce(sum(failures) filter (where not forgiven), 0)::int as failures,
           coalesce(sum(failures) filter (where forgiven), 0)::int as typos,
           count(*) filter (where not forgiven)::int as accounts,
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
)
select j.network::text as network, failures, typos, accounts, most, most_account, last_minute, addresses,
       first, last, opened, neighbours, visitors,
       extract(epoch from now() - last)::float8 as quiet,
       (select count(*)::int from {blocks} b
        where b.{address}::inet = j.network and b.{blocked_until} <= now()
          and b.{blocked_until} > now() - make_interval(days => %(repeat_days)s::int)) as former,
       (select max(b.{at}) from {blocks} b
        where b.{address}::inet >>= j.network and b.{blocked_until} > now()) as blocked_at
from judged j
order by failures desc, network
