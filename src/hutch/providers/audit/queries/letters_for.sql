written as (
    select l.language, l.subject, l.body
    from unnest(%(languages)s::text[], %(subjects)s::text[], %(bodies)s::text[]) as l (language, subject, body)
),
meant as (
    select u.{user} as account, u.{email} as email, whole.language is null and part.language is null as fallen,
           coalesce(whole.language, part.language, %(language)s) as language
    from people p
    join {users} u on u.{user} = p.account
    cross join lateral (select replace(lower(coalesce(to_jsonb(u) ->> %(language_column)s, '')), '_', '-') as tag) own
    left join written whole on whole.language = own.tag
    left join written part on part.language = split_part(own.tag, '-', 1)
)
