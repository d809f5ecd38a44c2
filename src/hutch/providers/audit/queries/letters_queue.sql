-- One letter for each of the people who has none of this campaign yet; nobody where there are more than were approved.
with {@reach_acts},
meant as (
    select u.{user} as account, u.{email} as email from people p join {users} u on u.{user} = p.account
)
insert into {outbox} (user_id, recipient, subject, body, campaign)
select m.account, m.email, %(subject)s, %(body)s, %(campaign)s
from meant m
where (select count(*) from meant) <= %(recipients)s::int
on conflict (campaign, user_id) where campaign <> '' do nothing
returning 1 as one
