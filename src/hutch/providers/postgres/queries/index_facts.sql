-- One index: what it is over, whether it can be used, is being built, or carries a constraint.
select t.relname::text as table, i.indisvalid and i.indisready as valid,
       exists (select 1 from pg_stat_progress_create_index p where p.index_relid = c.oid) as building,
       pg_relation_size(c.oid) as bytes, pg_get_indexdef(c.oid) as definition,
       (select conname::text from pg_constraint k where k.conindid = c.oid limit 1) as carries,
       (select jsonb_agg(pg_get_indexdef(c.oid, k, true)
                   || case when i.indoption[k - 1] & 1 = 1 then ' DESC' else '' end order by k)
        from generate_series(1, i.indnkeyatts) as k) as keys,
       coalesce((select pg_has_role(l.oid, c.relowner, 'usage')
                 from pg_roles l where l.rolname = %(login)s::text), false) as allowed
from pg_class c
join pg_index i on i.indexrelid = c.oid
join pg_class t on t.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = %(schema)s::text and c.relname = %(index)s::text and c.relkind = 'i' and n.nspname !~ '^pg_'
