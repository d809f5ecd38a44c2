-- Scratch: how many deletions are to be undone, how many of those the backup knows, how many others there are.
select count(*) filter (where d.wanted)::int as wanted,
       count({key}) filter (where d.wanted)::int as known,
       count({key}) filter (where not d.wanted)::int as others
from {deaths} d left join {table} b on {same}
