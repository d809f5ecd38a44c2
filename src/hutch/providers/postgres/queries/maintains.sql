coalesce({excused}
           or a.query ~* '^\s*(vacuum|analyze|reindex|cluster|copy|refresh|create\s+(unique\s+)?index)\y', false)
