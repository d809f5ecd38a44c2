-- Scratch: a table of the same columns for the rows that may come back.
create unlogged table {rows} as select b.* from {table} b with no data
