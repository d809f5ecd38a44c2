-- Ends the approved sessions that are still what they were and that nothing protects. The judgement is made inside
-- this statement; materialized keeps the planner from signalling a row before it was judged.
with judged as materialized (
{judged}
)
select pid, role, application,
       pg_terminate_backend(pid) as ended
from judged
where changed is null and protection is null
  and (select count(*) from judged) <= %(max_sessions)s
  and (pg_has_role('pg_signal_backend', 'member') or pg_has_role(usesysid, 'member'))
