-- Settings that were changed and need a restart to hold.
select name, setting, unit from pg_settings where pending_restart order by name
