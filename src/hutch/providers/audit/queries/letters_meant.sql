-- How many people the letter is for, how many of them have it in the outbox already, some of their addresses, how many
-- read it in which language, and how many of them in the default one because there is none in theirs.
with {@reach_acts},
{@letters_for}
select count(*)::int as meant, count(o.user_id)::int as queued,
       coalesce((array_agg(m.email order by m.email))[1:5], '{{}}') as some,
       count(*) filter (where m.fallen)::int as fallen,
       coalesce((select jsonb_object_agg(c.language, c.count)
                 from (select language, count(*) from meant group by language) c), '{{}}') as languages
from meant m
left join {outbox} o on o.campaign = %(campaign)s and o.user_id = m.account
