-- Scratch: the backup's rows whose deletion is one to undo.
from {table} b join {deaths} d on {same} where d.wanted
