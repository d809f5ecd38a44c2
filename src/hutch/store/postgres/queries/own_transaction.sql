-- Names this transaction, so that its fate can be asked for if the connection breaks while it commits.
SELECT pg_current_xact_id()::text
