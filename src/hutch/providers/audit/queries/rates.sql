-- What happened in the last minute.
select (select count(*)::int from {security}
        where {event} like %(e_failure)s and {at} > now() - interval '1 minute') as failed_logins,
       (select count(*)::int from {audit}
        where {action} like %(e_exported)s and {at} > now() - interval '1 minute') as exports,
       (select count(*)::int from {audit}
        where {action} like %(e_deleted)s and {at} > now() - interval '1 minute') as deletions
