SELECT c.oid, c.oid::regclass::text AS name, CASE c.relkind WHEN 'i' THEN 'index' ELSE 'table' END AS kind
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_am a ON a.oid = c.relam
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND c.relpersistence <> 't'
  AND (c.relkind = 'i' AND a.amname = 'btree' AND i.indisvalid OR c.relkind IN ('r', 'm') AND a.amname = 'heap')
ORDER BY c.oid
