INSERT INTO meta (key, value) VALUES ('queue_schema', %(newest)s) ON CONFLICT (key) DO UPDATE SET value = excluded.value
