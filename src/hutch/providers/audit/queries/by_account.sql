-- Accounts with more failed log-ins than one may have, the most first, and whether they are restricted already.
with {@pairs}
select account, sum(failures)::int as failures, count(distinct network)::int as networks, sum(last_minute)::int as last_minute,
       min(first) as first, max(last) as last, bool_or(opened) as opened,
       extract(epoch from now() - max(last))::float8 as quiet,
       (select max(r.{at}) from {restrictions} r
        where r.{account}::text = pairs.account and r.{restricted_until} > now()
          and r.{restriction} in ('all', 'login')) as restricted_at
from pairs
where account is not null and not forgiven
group by account
having sum(failures) > %(failures_per_account)s
order by sum(failures) desc, account
limit 50
