-- Live: how many of these rows are there with an empty reference.
select count(*)::int as rows from unnest({arrays}) as k (n, {names}) join {table} t on {match} where {empty}
