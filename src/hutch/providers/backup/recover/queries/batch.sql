-- Scratch: the next keys that may come back.
select p.n, {texts} from {pick} p where p.n > $1 and p.status = 'back' order by p.n limit $2
