coalesce(a.usename::text, '') as role,
       coalesce(a.application_name, '') as application,
       coalesce(a.client_addr::text, '') as client,
       coalesce(a.datname::text, '') as database
