-- One batch: marked, their sessions ended by a mark, each with a line in the audit table and a letter in the outbox, in
-- their language. Once only, however often it is asked; the letter says nothing that opens the account.
with {@letters_written},
{@reset_meant},
batch as (
    select u.{user} as account, u.{email} as email,
           coalesce(whole.language, part.language, %(language)s) as language
    from {users} u
    {@letters_tongue}
    where u.{user} in (select account from meant limit %(batch)s::int) for update of u
),
marked as (
    update {users} u set {reset_required} = true from batch b where u.{user} = b.account returning 1
),
ended as (
    update {sessions} s set {revoked_at} = now() from batch b
    where s.{account} = b.account and s.{revoked_at} is null returning 1
),
told as (
    insert into {audit} ({account}, {action}, {details})
    select account, 'user.reset_forced', jsonb_build_object('by', 'operator', 'reason', %(reason)s::text) from batch returning 1
),
mailed as (
    insert into {outbox} (user_id, recipient, subject, body, campaign)
    select b.account, b.email, w.subject, w.body, %(campaign)s from batch b join written w using (language)
    on conflict (campaign, user_id) where campaign <> '' do nothing returning 1
)
select (select count(*)::int from marked) as accounts, (select count(*)::int from ended) as sessions,
       (select count(*)::int from told) as told, (select count(*)::int from mailed) as letters
