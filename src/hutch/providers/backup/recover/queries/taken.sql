-- Live: which of these values another row has.
select k.n from unnest({arrays}) as k (n, {names})
where exists (select from {table} t where ({condition}) and {same})
