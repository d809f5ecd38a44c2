{@letters_written},
meant as (
    select u.{user} as account, u.{email} as email, whole.language is null and part.language is null as fallen,
           coalesce(whole.language, part.language, %(language)s) as language
    from people p
    join {users} u on u.{user} = p.account
    {@letters_tongue}
)
