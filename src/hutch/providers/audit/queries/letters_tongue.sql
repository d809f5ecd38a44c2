cross join lateral (select replace(lower(coalesce(to_jsonb(u) ->> %(language_column)s, '')), '_', '-') as tag) own
left join written whole on whole.language = own.tag
left join written part on part.language = split_part(own.tag, '-', 1)
