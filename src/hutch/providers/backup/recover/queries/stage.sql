-- Live: a table of this transaction alone, of the columns that come back.
create temporary table {stage} on commit drop as select {columns} from {table} b with no data
