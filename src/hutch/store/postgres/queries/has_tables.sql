SELECT to_regclass('alembic_version') IS NOT NULL AND to_regclass('meta') IS NOT NULL AND to_regclass('events') IS NOT NULL,
       EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('hutch') AND relkind = 'r')
