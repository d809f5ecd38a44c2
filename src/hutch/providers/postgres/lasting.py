"""What keeps ended sessions from coming back: proposed once they are ended, since ending is no cure. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from hutch.providers.postgres.remedies import SET_ROLE_TIMEOUT

IDLE_IN_TRANSACTION = ("idle_in_transaction_session_timeout", "60s")
RUNNING = ("statement_timeout", "5min")
"""The time-outs that are proposed: long enough for honest work, short enough that nobody is called for it."""


def proposals(ended: Iterable[Mapping[str, object]]) -> list[str]:
    """A line for each role and what its sessions were doing.

    >>> proposals([{"role": "app", "application": "web/43", "state": "idle in transaction"}])[0][:68]
    'so that it does not come back: postgres.set_role_timeout role=app se'
    """
    groups = Counter((str(row["role"]), str(row["application"]), _doing(row["state"])) for row in ended)
    return [_proposal(role, application, doing, count) for (role, application, doing), count in groups.items()]


def _doing(state: object) -> str:
    return "idle in transaction" if str(state).startswith("idle in transaction") else str(state)


def _proposal(role: str, application: str, doing: str, count: int) -> str:
    if doing == "idle":
        who = application or role
        return f"so that it does not come back: a smaller pool for {who}, which kept {count} sessions for nothing"
    setting, value = IDLE_IN_TRANSACTION if doing == "idle in transaction" else RUNNING
    return f"so that it does not come back: {SET_ROLE_TIMEOUT} role={role} setting={setting} value={value}"
