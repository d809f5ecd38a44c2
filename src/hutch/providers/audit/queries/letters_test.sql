-- One letter to one address of ours, as everybody would get it.
insert into {outbox} (recipient, subject, body, campaign)
values (%(to)s, %(subject)s, %(body)s, %(campaign)s || ' test')
returning 1 as one
