-- One table's air as it is: dead rows and free room, in bytes. SCHEMA is that of the extension.
select approx_free_space::float8 + dead_tuple_len::float8 as air, table_len::float8 as bytes
from SCHEMA.pgstattuple_approx(%(name)s::text::regclass)
