SELECT array_agg(name ORDER BY name) AS names
FROM (SELECT indexrelid::regclass::text || ' is an invalid index' AS name FROM pg_index WHERE NOT indisvalid) found
