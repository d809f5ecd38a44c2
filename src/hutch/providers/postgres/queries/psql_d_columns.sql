-- \d NAME: the columns. A name that there is not brings no row.
select a.attname as "Column", format_type(a.atttypid, a.atttypmod) as "Type",
       case when a.attnotnull then 'not null' else '' end as "Nullable",
       coalesce(pg_get_expr(d.adbin, d.adrelid), '') as "Default"
from pg_attribute a
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = to_regclass(%(name)s::text) and a.attnum > 0 and not a.attisdropped
order by a.attnum
