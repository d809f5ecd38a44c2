written as (
    select l.language, l.subject, l.body
    from unnest(%(languages)s::text[], %(subjects)s::text[], %(bodies)s::text[]) as l (language, subject, body)
)
