SELECT d.datname AS name
FROM pg_database d
WHERE d.datname LIKE 'hutch\_scratch\_%' AND NOT EXISTS (
  SELECT FROM pg_locks l
  WHERE l.locktype = 'advisory' AND l.granted AND l.classid = {space}
    AND l.objid = (('x' || substr(md5(d.datname), 1, 7))::bit(28))::int)
ORDER BY d.datname
