"""What cures a cause: typed actions with their arguments."""

from __future__ import annotations

from collections.abc import Sequence

from hutch.model.finding import Remedy
from hutch.providers.postgres.sessions import Session

END_SESSIONS = "postgres.end_sessions"
CREATE_INDEX = "postgres.create_index"
DROP_INDEX = "postgres.drop_index"
ANALYZE = "postgres.analyze"
VACUUM = "postgres.vacuum"
REINDEX = "postgres.reindex"
EXTEND_SEQUENCE = "postgres.extend_sequence"
SET_ROLE_TIMEOUT = "postgres.set_role_timeout"
DROP_SLOT = "postgres.drop_slot"
VALIDATE_CONSTRAINT = "postgres.validate_constraint"
ENABLE_TRIGGER = "postgres.enable_trigger"
RESTART = "service.restart"
"""A verb of the platform's: shown only where a provider offers it."""
FIRST, USUAL, LATER = 5, 20, 30
"""Ranks: before the roll-back of a release that fits in time (10), after it, and last."""


def ending(
    target: str, sessions: Sequence[Session], summary: str, rank: int = USUAL, statement: str = ""
) -> tuple[Remedy, ...]:
    """The action over those that may be ended; none when all are protected. ``statement``: only while they run it."""
    free = [session.at_statement(statement) for session in sessions if not session.protection]
    if not free:
        return ()
    return (Remedy(action=END_SESSIONS, target=target, args={"sessions": free}, summary=summary, rank=rank),)


def ending_for_good(
    target: str, sessions: Sequence[Session], summary: str, role: str, timeout: tuple[str, str]
) -> tuple[Remedy, ...]:
    """The same, and then a time-out for the role; none where all sessions must stay: they are meant to be there."""
    now = ending(target, sessions, summary)
    return (*now, timing_out(target, role, *timeout)) if now else ()


def restarting() -> tuple[Remedy, ...]:
    """Start the server anew, by whoever runs it; the target is filled in with that provider's."""
    return (Remedy(action=RESTART, target="", args={"component": "postgres"}, summary="restart Postgres", rank=USUAL),)


def timing_out(target: str, role: str, setting: str, value: str) -> Remedy:
    """So that it does not come back: the server itself ends what sits or runs for too long, in new sessions."""
    args = {"role": role, "setting": setting, "value": value}
    summary = f"Keep it from coming back: {setting} {value} for {role}"
    return Remedy(SET_ROLE_TIMEOUT, target, args, summary, rank=LATER)
