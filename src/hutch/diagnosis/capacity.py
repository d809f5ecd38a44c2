"""Is it capacity? What else explains before a scaling that a service is slow, and is not ended by it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from hutch.diagnosis.table import closure
from hutch.model.finding import Cause

OVERLOADED = "app.overloaded"
NOT_ENDED = frozenset({"deploy.bad_release", "app.crashed", "migration.failed"})
"""What every new replica has as the old ones do."""


def against(causes: Sequence[Cause], *, more: bool) -> str:
    """Why it should not be scaled, or nothing. ``more``: up; else down.

    Whatever makes requests wait (a lock, a leak, a database that is away) looks like too little room, and grows with
    each replica that waits beside the others.
    """
    if not more:
        found = next((cause for cause in causes if cause.code == OVERLOADED), None)
        return f"it has more to do than it can now ({found.summary})" if found else ""
    table = closure(present={cause.code for cause in causes})
    other = next((c for c in causes if c.code in NOT_ENDED or OVERLOADED in table.get(c.code, ())), None)
    return f"capacity is not the cause: {other.code}: {other.summary}" if other else ""
