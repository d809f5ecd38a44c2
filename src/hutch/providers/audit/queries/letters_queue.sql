-- One letter for each of the people who has none of this campaign yet, in their language; nobody where there are more than
-- were approved.
with {@reach_acts},
{@letters_for}
insert into {outbox} (user_id, recipient, subject, body, campaign)
select m.account, m.email, w.subject, w.body, %(campaign)s
from meant m
join written w on w.language = m.language
where (select count(*) from meant) <= %(recipients)s::int
on conflict (campaign, user_id) where campaign <> '' do nothing
returning 1 as one
