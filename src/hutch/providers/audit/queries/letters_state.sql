-- How the letters of a campaign stand.
select count(*)::int as letters, count(o.sent_at)::int as sent,
       count(*) filter (where o.sent_at is null and o.attempts < 5)::int as waiting,
       count(*) filter (where o.sent_at is null and o.attempts >= 5)::int as failed,
       coalesce((array_agg(distinct o.failure) filter (where o.sent_at is null and o.failure <> ''))[1:10], '{{}}') as why
from {outbox} o
where o.campaign = %(campaign)s
