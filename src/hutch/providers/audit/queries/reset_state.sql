-- How a forced reset stands: whom it is still to reach and in which language, whom it meant, and who has yet to choose
-- a new password.
with {@letters_written},
{@reset_meant},
reading as (
    select coalesce(whole.language, part.language, %(language)s) as language,
           whole.language is null and part.language is null as fallen
    from meant m
    join {users} u on u.{user} = m.account
    {@letters_tongue}
)
select (select count(*)::int from meant) as left,
       (select count(*)::int from {users} u
        where u.{at} <= %(since)s::timestamptz and (%(account)s::text = '' or u.{user}::text = %(account)s::text)) as accounts,
       (select count(*)::int from {users} u where u.{reset_required}
          and (%(account)s::text = '' or u.{user}::text = %(account)s::text)) as waiting,
       (select count(*)::int from {sessions} s join meant m on m.account = s.{account}
        where s.{revoked_at} is null and s.{expires_at} > now()) as sessions,
       (select count(*) filter (where fallen)::int from reading) as fallen,
       coalesce((select jsonb_object_agg(c.language, c.count)
                 from (select language, count(*) from reading group by language) c), '{{}}') as languages
