-- Scratch: every row of the backup.
insert into {pick} ({names}) select {keys} from {table} b
