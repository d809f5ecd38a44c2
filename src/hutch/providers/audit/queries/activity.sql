-- Accounts that did one thing more often in the window than they ever may unremarked, the most first, with what is
-- usual: for the account, the median of its own windows of that length, where it has the habit on enough days; for
-- everybody, the 95th percentile of such windows. What the account itself made a window before doing away with it is
-- not counted: nothing was lost.
with acts as (
    select a.{account}::text as account, a.{action} as action, a.{address}::inet as address, a.{at} as at
    from {audit} a
    where a.{action} like %(acts)s and a.{account} is not null
      and a.{at} > now() - make_interval(days => %(history_days)s::int)
      and not exists (
          select from {audit} c
          where c.{action} like %(undone_by)s and c.{account} = a.{account}
            and c.{details} ->> %(object_key)s = a.{details} ->> %(object_key)s
            and c.{at} between a.{at} - make_interval(secs => %(act_window)s) and a.{at})
),
recent as (
    select account, count(*)::int as count, min(at) as first, max(at) as last,
           count(*) filter (where at > now() - interval '1 minute')::int as last_minute,
           array_agg(distinct action order by action) as actions,
           count(distinct address)::int as addresses, (array_agg(text(address) order by at desc))[1] as address
    from acts
    where at > now() - make_interval(secs => %(act_window)s)
    group by account
    having count(*) > %(least)s
),
windows as (
    select account, date_bin(make_interval(secs => %(act_window)s), at, now()) as begins, count(*) as count,
           min(at) as at
    from acts
    where at <= now() - make_interval(secs => %(act_window)s)
    group by account, begins
),
habits as (
    select account, percentile_disc(0.5) within group (order by count) as usual
    from windows
    group by account
    having count(distinct at::date) >= %(habit_days)s
),
everybody as (
    select percentile_disc(0.95) within group (order by count) as usual from windows having count(*) >= 20
)
select r.*, coalesce(h.usual, 0)::int as usual, coalesce((select usual from everybody), 0)::int as usual_of_all,
       extract(epoch from now() - r.last)::float8 as quiet,
       exists (select from acts b
               where b.account = r.account and b.at <= r.first - interval '1 second'
                 and text(b.address) = r.address) as known_address,
       (select max(s.{at}) from {restrictions} s
        where s.{account}::text = r.account and s.{restricted_until} > now()
          and s.{restriction} = any (%(kinds)s)) as restricted_at
from recent r
left join habits h on h.account = r.account
where r.count > %(usual_factor)s * greatest(coalesce(h.usual, 0), coalesce((select usual from everybody), 0))
order by r.count desc, r.account
limit 50
