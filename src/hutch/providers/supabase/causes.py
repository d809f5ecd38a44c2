"""Which findings of Supabase mean which cause. Pure; imports no client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hutch.model.finding import Cause, Finding, Object, Remedy, Status

CODES: Mapping[str, str] = {
    "supabase.unavailable": "The project's REST address does not serve: paused, without its database, or silent.",
    "postgres.connections_exhausted": "No connection is left, or nearly none.",
    "postgres.disk_full": "The project is read-only, as Supabase makes it when its disk is nearly full.",
}
RELOAD = Remedy("supabase.reload_schema", "", {}, "let the REST address read the schema anew", rank=10)
BIGGER = Remedy("database.scale", "", {}, "a person gives the project a larger disk or size", rank=50)
SCHEMA = ("PGRST002", "PGRST204", "PGRST205")


def explain(findings: Sequence[Finding]) -> Sequence[Cause]:
    """A cause for each look that found the project unwell."""
    bad = {f.check: f for f in findings if f.status is Status.BAD}
    found: list[Cause] = []
    if rest := bad.get("supabase.rest"):
        remedies = (RELOAD,) if rest.data.get("code") in SCHEMA else ()
        found.append(_cause("supabase.unavailable", Object("service", str(rest.data["project"])), 0.9, rest, remedies))
    if taken := bad.get("supabase.connections"):
        found.append(_cause("postgres.connections_exhausted", Object("database", taken.target), 0.9, taken))
    if full := bad.get("supabase.size"):
        where = Object("database", str(full.data["database"]))
        found.append(_cause("postgres.disk_full", where, 0.95, full, (BIGGER,)))
    return found


def _cause(code: str, what: Object, sure: float, seen: Finding, remedies: tuple[Remedy, ...] = ()) -> Cause:
    return Cause(code, what, sure, seen.summary, seen.target, seen.evidence, remedies)
