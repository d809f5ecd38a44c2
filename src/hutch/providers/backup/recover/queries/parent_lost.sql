-- Scratch: rows whose parent would come back and doesn't.
update {pick} p set status = 'orphan', why = {why}
from {table} b, {parent} r, {parent_pick} q
where p.status = 'back' and {match} and {refers} and {parent_match} and q.status not in ('back', 'present')
