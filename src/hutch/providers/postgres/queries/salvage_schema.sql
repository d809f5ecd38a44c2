-- Statements that make again what the rows need, in order: schemas, enumerations; then, after loading, the rest.
select 1 as place, format('create schema if not exists %I;', nspname) as statement
from pg_namespace where nspname !~ '^pg_' and nspname not in ('information_schema', 'public')
union all
select 2, format('create type %I.%I as enum (%s);', n.nspname, t.typname,
                 (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
                  from pg_enum e where e.enumtypid = t.oid))
from pg_type t join pg_namespace n on n.oid = t.typnamespace where t.typtype = 'e' and n.nspname !~ '^pg_'
union all
select case con.contype when 'f' then 5 else 4 end,
       format('alter table %I.%I add constraint %I %s;', n.nspname, c.relname, con.conname,
              pg_get_constraintdef(con.oid))
from pg_constraint con join pg_class c on c.oid = con.conrelid join pg_namespace n on n.oid = c.relnamespace
where con.contype in ('p', 'u', 'c', 'f', 'x') and con.conparentid = 0 and not c.relispartition
  and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
union all
select 6, pg_get_indexdef(i.indexrelid) || ';'
from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and not c.relispartition
  and not exists (select from pg_constraint x where x.conindid = i.indexrelid)
order by 1, 2
