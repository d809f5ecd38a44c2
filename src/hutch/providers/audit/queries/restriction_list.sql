-- Restrictions by account and kind, those that stand first, with the account's mail address.
select r.{account}::text as account, u.{email} as email, r.{restriction} as kind,
       max(r.{restricted_until}) as restricted_until,
       (array_agg(r.{at} order by r.{restricted_until} desc))[1] as at,
       (array_agg(r.{reason} order by r.{restricted_until} desc))[1] as reason,
       count(*)::int as times, max(r.{restricted_until}) > now() as stands
from {restrictions} r
left join {users} u on u.{user} = r.{account}
where r.{restricted_until} > now() - make_interval(days => %(days)s::int)
group by r.{account}, u.{email}, r.{restriction}
order by stands desc, restricted_until desc, account
limit %(most)s
