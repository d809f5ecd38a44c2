-- How many of the people read which language; empty where their account says none.
with {@reach_acts}
select replace(lower(coalesce(to_jsonb(u) ->> %(language_column)s, '')), '_', '-') as language, count(*)::int as people
from people p
join {users} u on u.{user} = p.account
group by 1
order by 2 desc, 1
