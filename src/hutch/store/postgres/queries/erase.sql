UPDATE events SET data = %(data)s, salt = '' WHERE stream = %(stream)s AND seq = %(seq)s
