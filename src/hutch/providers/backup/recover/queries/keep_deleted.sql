-- Scratch: rows with a deletion of their own that is not one to undo stay deleted.
update {pick} p set status = 'deleted', why = 'deleted on purpose, says the audit log'
from {deaths} d where p.status = 'back' and not d.wanted and {same}
