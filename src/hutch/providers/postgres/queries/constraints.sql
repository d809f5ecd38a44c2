-- What guards no rows although it stands in the schema: constraints never checked against the rows that were there
-- before them, and triggers switched off (also those that carry a foreign key).
select 'constraint' as kind, n.nspname::text as schema, c.relname::text as table, k.conname::text as name,
       pg_get_constraintdef(k.oid) as definition
from pg_constraint k
join pg_class c on c.oid = k.conrelid
join pg_namespace n on n.oid = c.relnamespace
where not k.convalidated and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
union all
select 'trigger', n.nspname::text, c.relname::text, coalesce(k.conname, t.tgname)::text,
       case when t.tgisinternal then 'foreign key, not enforced' else 'trigger' end
from pg_trigger t
join pg_class c on c.oid = t.tgrelid
join pg_namespace n on n.oid = c.relnamespace
left join pg_constraint k on k.oid = t.tgconstraint
where t.tgenabled = 'D' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
group by 1, 2, 3, 4, 5
order by 1, 2, 3, 4
limit 50
