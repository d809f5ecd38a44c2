-- Scratch: what was decided, with some keys of each.
select status, why, count(*)::int as rows,
       (array_agg({label} order by n))[1:5] as some
from {pick} p group by status, why order by count(*) desc, why
