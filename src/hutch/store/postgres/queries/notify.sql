SELECT pg_notify('hutch_events', '')
