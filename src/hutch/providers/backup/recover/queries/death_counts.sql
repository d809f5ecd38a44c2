-- Scratch: how many deletions are to be undone, and how many others the log knows since the backup.
select count(*) filter (where wanted)::int as wanted, count(*) filter (where not wanted)::int as others from {deaths}
