-- Some 300 kB that do not fit into a work_mem of 64 kB: the server writes them to its disk and reads them again.
-- That much it can do in a READ ONLY transaction, on a standby too; a full disk shows as an error (53100).
with kept as materialized (select repeat('x', 1000) || n as text from generate_series(1, 300) n)
select sum(length(text))::int as length from kept
