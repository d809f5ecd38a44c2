-- Scratch: how many rows came.
select count(*)::int8 as rows from only {table}
