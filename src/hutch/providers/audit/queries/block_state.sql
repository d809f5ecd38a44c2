-- What a block of this network would hit, and what stands already. Users who were opened by guessing don't count.
with {@pairs}
select (select count(distinct e.account)::int from entries e
        where e.network <<= %(network)s::inet
          and not exists (select from pairs p
                          where p.opened and p.network = e.network and p.account = e.account)) as neighbours,
       (select coalesce(sum(t.failures), 0)::int from tries t where t.network <<= %(network)s::inet) as failures,
       (select count(*)::int from {blocks} b
        where b.{address}::inet = %(network)s::inet and b.{blocked_until} <= now()
          and b.{blocked_until} > now() - make_interval(days => %(repeat_days)s::int)) as former,
       (select max(b.{blocked_until}) from {blocks} b
        where b.{address}::inet >>= %(network)s::inet and b.{blocked_until} > now()) as blocked_until
