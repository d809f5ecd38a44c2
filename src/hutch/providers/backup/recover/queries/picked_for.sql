-- Scratch: what the picked rows were picked for; nothing where none were.
select obj_description(oid, 'pg_namespace') as wish from pg_catalog.pg_namespace where nspname = {ours}
