SELECT NULL::text AS msg FROM bt_index_check({oid}, true)
