-- Whether the address has such a letter in the outbox.
select count(*)::int as letters, count(o.sent_at)::int as sent
from {outbox} o
where o.campaign = %(campaign)s || ' test' and o.recipient = %(to)s
  and o.subject = %(subject)s and o.body = %(body)s
