-- Of what migrations declare: what is there, missing, or left invalid by a build that failed; building while it is made.
select d.n::int as n,
       case
           when d.kind in ('column', 'not null') then
               case when exists (select from pg_attribute a
                                 where a.attrelid = to_regclass(d.name) and not a.attisdropped and a.attnum > 0
                                   and a.attname = (parse_ident(d.part))[1]
                                   and (d.kind = 'column' or a.attnotnull)) then 'there' else 'missing' end
           when d.kind = 'constraint' then
               case when exists (select from pg_constraint c
                                 where c.conrelid = to_regclass(d.name)
                                   and c.conname = (parse_ident(d.part))[1]) then 'there' else 'missing' end
           when d.kind = 'trigger' then
               case when exists (select from pg_trigger t
                                 where t.tgrelid = to_regclass(d.name)
                                   and t.tgname = (parse_ident(d.part))[1]) then 'there' else 'missing' end
           when d.kind = 'policy' then
               case when exists (select from pg_policy p
                                 where p.polrelid = to_regclass(d.name)
                                   and p.polname = (parse_ident(d.part))[1]) then 'there' else 'missing' end
           when d.kind = 'value' then
               case when exists (select from pg_enum e
                                 where e.enumtypid = to_regtype(d.name)
                                   and e.enumlabel = (parse_ident(d.part))[1]) then 'there' else 'missing' end
           when d.kind = 'type' then case when to_regtype(d.name) is null then 'missing' else 'there' end
           when d.kind = 'schema' then case when to_regnamespace(d.name) is null then 'missing' else 'there' end
           when d.kind = 'extension' then
               case when exists (select from pg_extension x
                                 where x.extname = (parse_ident(d.name))[1]) then 'there' else 'missing' end
           when d.kind = 'function' then
               case when exists (select from pg_proc f
                                 where f.proname = (parse_ident(d.name))[array_upper(parse_ident(d.name), 1)]
                                   and (array_upper(parse_ident(d.name), 1) = 1
                                        or f.pronamespace = to_regnamespace((parse_ident(d.name))[1])))
                   then 'there' else 'missing' end
           when to_regclass(d.name) is null then 'missing'
           when exists (select from pg_index i where i.indexrelid = to_regclass(d.name) and not i.indisvalid)
               then case when exists (select from pg_stat_progress_create_index p
                                      where p.index_relid = to_regclass(d.name)) then 'building' else 'invalid' end
           else 'there'
       end as state
from unnest(%(kinds)s::text[], %(names)s::text[], %(parts)s::text[]) with ordinality as d (kind, name, part, n)
order by d.n
