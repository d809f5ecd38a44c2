-- Of what migrations declare: what is there, missing, or an index left invalid by a build that failed.
select d.n::int as n,
       case
           when d.kind = 'column' then
               case when exists (select from pg_attribute a
                                 where a.attrelid = to_regclass(d.name) and not a.attisdropped
                                   and a.attname = (parse_ident(d.part))[1]) then 'there' else 'missing' end
           when to_regclass(d.name) is null then 'missing'
           when exists (select from pg_index i where i.indexrelid = to_regclass(d.name) and not i.indisvalid)
               then case when exists (select from pg_stat_progress_create_index p
                                      where p.index_relid = to_regclass(d.name)) then 'building' else 'invalid' end
           else 'there'
       end as state
from unnest(%(kinds)s::text[], %(names)s::text[], %(parts)s::text[]) with ordinality as d (kind, name, part, n)
order by d.n
