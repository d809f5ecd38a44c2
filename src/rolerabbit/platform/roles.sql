-- The logins of the platform's database and what each may do. {names} are filled in as identifiers, {…_password} as
-- literals that are already SCRAM verifiers. Run at every start: it brings an older database up to date.

-- Owns the schema: migrations run as this one. Reserved connections, so that they run while the service has all others.
ALTER ROLE {owner} LOGIN PASSWORD {owner_password};
GRANT pg_use_reserved_connections TO {owner};
ALTER DATABASE {database} OWNER TO {owner};
ALTER SCHEMA public OWNER TO {owner};
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- The service itself: rows, not structure. No reserved connections.
ALTER ROLE {app} LOGIN PASSWORD {app_password};
GRANT CONNECT ON DATABASE {database} TO {app};
GRANT USAGE ON SCHEMA public TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {app};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {app};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT USAGE ON SEQUENCES TO {app};

-- Looks, and can't change anything: no temporary tables either.
ALTER ROLE {reader} LOGIN PASSWORD {reader_password};
ALTER ROLE {reader} SET default_transaction_read_only = on;
GRANT pg_monitor, pg_read_all_stats, pg_use_reserved_connections TO {reader};
GRANT CONNECT ON DATABASE {database} TO {reader};
GRANT USAGE ON SCHEMA public TO {reader};
GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT SELECT ON TABLES TO {reader};
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {reader};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT SELECT ON SEQUENCES TO {reader};

-- Behind the REST address, as a hosted database gives out logins: it reads what it is granted (portfolios), and sees of
-- other sessions, statements and replication no more than everybody does: it is no member of pg_monitor.
ALTER ROLE {rest} LOGIN PASSWORD {rest_password};
ALTER ROLE {rest} SET default_transaction_read_only = on;
GRANT CONNECT ON DATABASE {database} TO {rest};
GRANT USAGE ON SCHEMA public TO {rest};

-- Applies remedies: ends sessions, maintains tables, makes indexes (as a member of the owner), sets time-outs of the
-- service's role, drops replication slots.
ALTER ROLE {operator} LOGIN CREATEROLE REPLICATION PASSWORD {operator_password};
GRANT {app} TO {operator} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
GRANT pg_monitor, pg_signal_backend, pg_maintain, pg_use_reserved_connections, {owner} TO {operator};
GRANT CONNECT ON DATABASE {database} TO {operator};
GRANT SET, ALTER SYSTEM ON PARAMETER idle_in_transaction_session_timeout, statement_timeout, lock_timeout TO {operator};
GRANT EXECUTE ON FUNCTION pg_reload_conf() TO {operator};

CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
CREATE EXTENSION IF NOT EXISTS pgstattuple;
