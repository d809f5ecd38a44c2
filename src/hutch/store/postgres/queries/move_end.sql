UPDATE log_end SET position = %(end)s
