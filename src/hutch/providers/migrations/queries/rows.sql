-- The tool's rows, whatever its columns are called.
select to_jsonb(m) as row from {table} m limit 50000
