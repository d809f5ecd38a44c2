-- Scratch: the next references to parents that were not deleted with them, so must be there still.
select p.n, {values} from {pick} p join {table} b on {match}
where p.n > $1 and p.status = 'back' and {filled} {unless_picked}
order by p.n limit $2
