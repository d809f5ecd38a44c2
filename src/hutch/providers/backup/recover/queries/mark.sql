-- Scratch: what was decided of these keys.
update {pick} p set status = $1, why = $2 where p.n = any ($3::bigint[]) and p.status = 'back'
