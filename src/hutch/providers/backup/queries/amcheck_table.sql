SELECT format('block %s, row %s: %s', blkno, offnum, msg) AS msg FROM verify_heapam({oid}) LIMIT 10
