coalesce(lower(a.application_name) like any (%(protected_applications)s::text[])
           or a.usename::text = any (%(protected_roles)s::text[]), false)
