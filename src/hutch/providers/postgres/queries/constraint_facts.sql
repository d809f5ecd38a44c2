-- One constraint of a table: whether its old rows were ever checked.
select k.contype::text as type, k.convalidated as valid, pg_get_constraintdef(k.oid) as definition,
       pg_relation_size(c.oid) as bytes, greatest(c.reltuples, 0)::float8 as rows, pg_get_userbyid(c.relowner)::text as owner,
       (select r.oid::regclass::text from pg_class r where r.oid = k.confrelid) as refers,
       coalesce((select l.rolsuper or pg_has_role(l.oid, c.relowner, 'usage')
                 from pg_roles l where l.rolname = %(login)s::text), false) as allowed
from pg_constraint k
join pg_class c on c.oid = k.conrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = %(schema)s::text and c.relname = %(table)s::text and k.conname = %(name)s::text and n.nspname !~ '^pg_'
