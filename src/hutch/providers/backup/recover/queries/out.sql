-- Scratch: the rows that come back.
copy (select {columns} from {table} b join {pick} p on {match} where p.status = 'back') to stdout
