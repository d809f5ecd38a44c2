-- Scratch: the next rows that are there, with the hash of what the backup has of them.
select p.n, {texts}, md5(row({columns})::text)
from {pick} p join {table} b on {match} where p.n > $1 and p.status = 'present' order by p.n limit $2
