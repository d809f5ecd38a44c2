INSERT INTO meta (key, value) VALUES ('made_by', %(version)s) ON CONFLICT (key) DO UPDATE SET value = excluded.value
