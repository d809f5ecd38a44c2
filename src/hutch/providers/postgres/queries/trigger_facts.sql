-- One trigger of a table: whether it fires, and what it does.
select t.tgenabled::text as state, t.tgisinternal as internal, pg_get_triggerdef(t.oid) as definition,
       pg_get_userbyid(c.relowner)::text as owner,
       coalesce((select l.rolsuper or pg_has_role(l.oid, c.relowner, 'usage')
                 from pg_roles l where l.rolname = %(login)s::text), false) as allowed
from pg_trigger t
join pg_class c on c.oid = t.tgrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = %(schema)s::text and c.relname = %(table)s::text and t.tgname = %(name)s::text and n.nspname !~ '^pg_'
