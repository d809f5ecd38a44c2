SELECT count(*) AS rows FROM ONLY {table}
