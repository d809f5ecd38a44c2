-- Accounts and addresses whose requests were refused too often in the window, the most first. Who is restricted or
-- blocked already is refused rightly, and is left out.
with refused as (
    select {account}::text as account,
           network(set_masklen({address}::inet, case family({address}::inet) when 6 then 64 else 32 end)) as network,
           {at} as at
    from {security} u
    where {event} like %(e_unauthorized)s and {at} > now() - make_interval(secs => %(window)s)
      and not exists (select from {restrictions} r
                      where r.{account}::text = u.{account}::text and r.{restricted_until} > now())
      and not exists (select from {blocks} b
                      where b.{address}::inet >>= u.{address}::inet and b.{blocked_until} > now())
)
select case when account is not null then 'account' else 'address' end as kind,
       coalesce(account, text(network)) as who, count(*)::int as count, count(distinct network)::int as networks,
       min(at) as first, max(at) as last, extract(epoch from now() - max(at))::float8 as quiet
from refused
where account is not null or network is not null
group by 1, 2
having count(*) > %(unauthorized_per_source)s
order by count(*) desc, 2
limit 50
