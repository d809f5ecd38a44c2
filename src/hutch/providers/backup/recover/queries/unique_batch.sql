-- Scratch: the next values that a unique index of the live table has a say in.
select p.n, {outputs}
from {pick} p join lateral (select {values} from {table} b where {match} and ({condition})) u on true
where p.n > $1 and p.status = 'back' order by p.n limit $2
