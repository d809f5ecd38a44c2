-- Live: which of these keys are there.
select k.n from unnest({arrays}) as k (n, {names}) join {table} t on {match}
