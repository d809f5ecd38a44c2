-- One B-tree's air as it is, in bytes: pages that hold nothing, and the part of the leaves that is neither filled nor left
-- free on purpose (fillfactor). SCHEMA is that of the extension.
select ((f.empty_pages + f.deleted_pages
         + f.leaf_pages * greatest(1 - coalesce(nullif(f.avg_leaf_density, 'NaN'), 0) / f.fill, 0))
        * current_setting('block_size')::int)::float8 as air,
       f.index_size::float8 as bytes
from (
    select i.*, coalesce((select option_value::float8 from pg_options_to_table(c.reloptions)
                          where option_name = 'fillfactor'), 90) as fill
    from pg_class c, SCHEMA.pgstatindex(c.oid::regclass) i
    where c.oid = %(name)s::text::regclass
) f
