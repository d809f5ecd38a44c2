-- Pairs of indexes over the same columns in the same way: the one that carries no constraint (else the later) can go.
-- A non-unique index equal to a unique one counts; a unique one beside an equal plain one does not.
with alike as (
    select i.indexrelid, i.indrelid, i.indisunique, i.indisprimary,
           exists (select 1 from pg_constraint k where k.conindid = i.indexrelid) as carries,
           concat_ws('|', i.indrelid, c.relam, i.indkey, i.indclass, i.indcollation, i.indoption,
                     i.indnkeyatts, pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid)) as shape
    from pg_index i
    join pg_class c on c.oid = i.indexrelid
    join pg_namespace n on n.oid = c.relnamespace
    where i.indisvalid and c.relkind = 'i' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
),
ranked as (
    select *, row_number() over w as place, first_value(indexrelid) over w as kept
    from alike
    window w as (partition by shape order by carries desc, indisprimary desc, indisunique desc, indexrelid)
)
select n.nspname::text as schema, c.relname::text as index, r.indrelid::regclass::text as table,
       r.kept::regclass::text as same_as, pg_relation_size(r.indexrelid)::float8 as bytes
from ranked r
join pg_class c on c.oid = r.indexrelid
join pg_namespace n on n.oid = c.relnamespace
where r.place > 1 and not r.carries
order by bytes desc
limit 20
