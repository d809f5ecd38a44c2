INSERT INTO meta (key, value) VALUES ('made_by', %(version)s), ('serves', %(serves)s)
ON CONFLICT (key) DO UPDATE SET value = excluded.value
