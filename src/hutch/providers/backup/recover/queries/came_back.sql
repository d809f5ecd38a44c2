-- Live: rows that came into being since the plan was made are not touched.
delete from {stage} s using {table} t where {match}
