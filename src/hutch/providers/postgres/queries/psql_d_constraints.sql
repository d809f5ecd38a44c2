-- \d NAME: constraints of the table, and the foreign keys that point to it.
select conname as "Constraint", conrelid::regclass::text as "Table", pg_get_constraintdef(oid, true) as "Definition"
from pg_constraint
where contype in ('c', 'f', 'x')
  and (conrelid = to_regclass(%(name)s::text) or confrelid = to_regclass(%(name)s::text))
order by conrelid <> to_regclass(%(name)s::text), conname
