-- Live: which of these references lead somewhere.
select k.n from unnest({arrays}) as k (n, {names}) where exists (select from {table} t where {same})
