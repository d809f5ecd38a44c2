-- Where every sequence stands.
select schemaname as schema, sequencename as name, last_value as last from pg_sequences
where schemaname !~ '^pg_' order by 1, 2
