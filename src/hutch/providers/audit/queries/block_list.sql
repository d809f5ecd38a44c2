-- Blocks by network, those that stand first: when and why the last one began, when it ends, and how many there were.
select text({address}::inet) as address, max({blocked_until}) as blocked_until,
       (array_agg({at} order by {blocked_until} desc))[1] as at,
       (array_agg({reason} order by {blocked_until} desc))[1] as reason,
       count(*)::int as times, max({blocked_until}) > now() as stands
from {blocks}
where {blocked_until} > now() - make_interval(days => %(days)s::int)
group by {address}::inet
order by stands desc, blocked_until desc, address
limit %(most)s
