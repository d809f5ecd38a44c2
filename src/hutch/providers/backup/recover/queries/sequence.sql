-- Live: where the sequence stands, and the greatest value that its column has.
select s.last_value::int8 as last, (select {edge}({column})::int8 from {table}) as edge from {sequence} s
