"""What cures a cause: typed actions with their arguments."""

from __future__ import annotations

from collections.abc import Sequence

from hutch.model.finding import Remedy
from hutch.providers.postgres.sessions import Session

END_SESSIONS = "postgres.end_sessions"


def ending(target: str, sessions: Sequence[Session], summary: str) -> tuple[Remedy, ...]:
    """The action over those that may be ended; none when all are protected."""
    free = [session.as_target() for session in sessions if not session.protection]
    if not free:
        return ()
    return (Remedy(action=END_SESSIONS, target=target, args={"sessions": free}, summary=summary, rank=20),)
