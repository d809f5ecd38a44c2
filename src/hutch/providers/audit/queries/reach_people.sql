-- Whose data was reached, the most first, with what is usual for the account and for everybody in as long a time.
with {@reach_acts},
span as (
    select greatest(extract(epoch from %(until)s::timestamptz - %(since)s::timestamptz), 1) as seconds
),
before as (
    select a.{account} as account, count(*) as count
    from {audit} a
    where a.{action} = 'data.exported' and a.{at} < %(since)s::timestamptz
      and a.{at} >= %(since)s::timestamptz - make_interval(days => %(history_days)s::int)
    group by a.{account}
),
everybody as (
    select coalesce(percentile_disc(0.95) within group (order by count), 0) as count from before
)
select p.account::text as account, p.exported, p.accessed, p.first, p.last, p.addresses,
       (coalesce(b.count, 0) * s.seconds / (%(history_days)s * 86400.0))::float8 as usual,
       (e.count * s.seconds / (%(history_days)s * 86400.0))::float8 as usual_of_all
from people p
cross join span s
cross join everybody e
left join before b on b.account = p.account
order by p.exported desc, p.accessed desc, account
limit %(most)s
