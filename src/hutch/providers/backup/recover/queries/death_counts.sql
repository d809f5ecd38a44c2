-- Scratch: how many deletions are to be undone, how many of those the backup knows, how many others there are.
select count(*) filter (where d.wanted)::int as wanted,
       count(*) filter (where d.wanted and exists (select from {table} b where {same}))::int as known,
       count(*) filter (where not d.wanted and exists (select from {table} b where {same}))::int as others
from {deaths} d
