-- Live: how many of these rows have another hash now.
select count(*)::int as rows from unnest({arrays}) as k (n, {names}, hash) join {table} t on {match}
where md5(row({columns})::text) is distinct from k.hash
