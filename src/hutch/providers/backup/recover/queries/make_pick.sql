-- Scratch: the keys of the rows of one table that may come back, each with what was decided of it.
create unlogged table {pick} as
select {as_keys}, 'back'::text as status, ''::text as why from {table} b with no data
