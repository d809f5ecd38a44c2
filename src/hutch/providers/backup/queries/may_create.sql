SELECT rolcreatedb OR rolsuper AS able FROM pg_roles WHERE rolname = current_user
