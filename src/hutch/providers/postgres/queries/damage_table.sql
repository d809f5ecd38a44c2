-- What is wrong in one table, page by page; it goes on after the first.
select blkno::int8 as block, offnum::int as row, msg as message
from verify_heapam(%(oid)s::oid::regclass, on_error_stop := false, check_toast := true) limit 200
