-- How many people the letter is for, how many of them have it in the outbox already, and some of their addresses.
with {@reach_acts}
select count(*)::int as meant, count(o.user_id)::int as queued,
       coalesce((array_agg(u.{email} order by u.{email}))[1:5], '{{}}') as some
from people p
join {users} u on u.{user} = p.account
left join {outbox} o on o.campaign = %(campaign)s and o.user_id = p.account
