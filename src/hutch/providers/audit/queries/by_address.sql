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
judged as (
    select n.*,
           (select count(distinct e.account)::int from entries e
            where e.network = n.network and e.account <> all (n.opened)) as neighbours,
           (select count(*)::int from successes s
            where s.network = n.network and s.account <> all (n.opened)) as visitors
    from networks n
    where n.failures > %(failures_per_address)s
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
where failures > %(failures_per_address)s + visitors
order by failures desc, network
limit 50
