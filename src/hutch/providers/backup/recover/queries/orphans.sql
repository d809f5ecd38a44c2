-- Live: rows that came back and refer to nothing.
select count(*)::int as rows from {stage} b
where {filled} and not exists (select from {parent} r where {refers})
