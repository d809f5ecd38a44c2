from {table} b
