"""Which findings of Vercel mean which cause. Pure; imports no client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hutch.model import load
from hutch.model.finding import Cause, Finding

CODES: Mapping[str, str] = {"app.overloaded": load.OVERLOADED}
MOST = 1000
"""Vercel sets no number of copies: what a team scales itself has bounds of its own."""


def explain(findings: Sequence[Finding]) -> Sequence[Cause]:
    """``app.overloaded`` where the service's metrics say so: Vercel starts what it needs by itself, so what is too
    small is something that a team has sized. The remedy is offered where a command of the team's own does
    ``service.scale``, and the metrics tell how many copies there are."""
    seen = [f for f in findings if f.check == "vercel.production" and f.data]
    return [_overloaded(found, f) for f in seen for found in load.told_by("http.requests", findings)]


def _overloaded(found: load.Overload, seen: Finding) -> Cause:
    copies = int(found.figure("replicas"))
    return found.cause(load.by_copies(found, copies, MOST) if copies else (), seen.target)
