-- Scratch: the rows that were deleted with picked parents, unless they are picked already.
from {table} b
where exists (select from {parent} r join {parent_pick} q on {parent_match} where {refers})
  and not exists (select from {pick} p where {match})
