-- Scratch: the backup's rows whose deletion is one to undo.
insert into {pick} ({names}) select {keys} from {table} b join {deaths} d on {same} where d.wanted
