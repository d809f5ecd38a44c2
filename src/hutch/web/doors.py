"""What each page, form and operation asks of whoever comes: one table of all of them. What does not stand here is open
to nobody once people sign in; a test compares it with every route that there is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from starlette.routing import compile_path

from hutch.model.access import Permission

OPEN, OWN, READ = Permission.OPEN, Permission.OWN, Permission.READ
REPORT, RESPOND, APPROVE = Permission.REPORT, Permission.RESPOND, Permission.APPROVE
COMMAND, ADMINISTER = Permission.COMMAND, Permission.ADMINISTER


class Reach(StrEnum):
    """Where the permission has to be had."""

    THING = "thing"  # with the service of the incident, run or service that the address names
    SOMEWHERE = "somewhere"  # with one service at least: it shows only what may be seen, or asks further by itself
    EVERYWHERE = "everywhere"


@dataclass(frozen=True, slots=True)
class Door:
    """What a route asks for."""

    permission: Permission
    reach: Reach = Reach.EVERYWHERE


def _all(permission: Permission, reach: Reach, *routes: str) -> dict[str, Door]:
    return dict.fromkeys(routes, Door(permission, reach))


DOORS: Mapping[str, Door] = {
    # Signing in, what the pages are made of, and what proves itself.
    **_all(
        OPEN, Reach.EVERYWHERE,
        "GET /static/{version}/{name}", "GET /healthz", "GET /sign-in", "POST /sign-in",
        "GET /first/{secret}", "POST /first/{secret}", "GET /openid/start", "GET /openid/back",
        "GET /a/{token}", "POST /a/{token}",
        "POST /api/v1/ingest/{source}", "POST /v2/enqueue", "POST /api/v1/pagerduty",
    ),
    **_all(
        OWN, Reach.EVERYWHERE,
        "POST /sign-out", "POST /me", "GET /account", "POST /account/password", "POST /account/sessions/end",
        "POST /account/tokens", "POST /account/tokens/{token_id}/revocation",
    ),
    # Reading.
    **_all(
        READ, Reach.SOMEWHERE,
        "GET /", "GET /runs", "GET /runbooks", "GET /runbooks/{place:path}", "GET /services", "GET /events",
        "GET /api/v1/services", "GET /api/v1/incidents", "GET /api/v1/runs", "GET /api/v1/openapi.json",
        "GET /api/v1/oncall", "GET /oncall", "GET /alerts", "GET /incidents", "GET /find", "GET /log", "GET /todo",
        "GET /reviews", "GET /reports", "GET /reports/report.json", "GET /reports/report.csv", "GET /status",
        "GET /status/{path:path}",
        "GET /breach", "GET /breach/register.csv", "GET /breach/register.json", "GET /breach/register.md",
    ),
    **_all(
        READ, Reach.THING,
        "GET /incidents/{incident_id}", "GET /incidents/{incident_id}/{document}.txt", "GET /runs/{run_id}",
        "GET /runs/{run_id}/output", "GET /services/{name}/signals",
        "GET /reviews/{incident_id}", "GET /api/v1/services/{name}/diagnosis", "GET /api/v1/services/{name}/signals",
        "GET /api/v1/incidents/{incident_id}", "GET /api/v1/incidents/{incident_id}/timeline",
        "GET /api/v1/incidents/{incident_id}/roles", "GET /api/v1/incidents/{incident_id}/messages",
        "GET /api/v1/runs/{run_id}", "POST /api/v1/incidents/{incident_id}/updates/preview",
        "GET /incidents/{incident_id}/evidence/{seq}", "GET /api/v1/incidents/{incident_id}/evidence/{seq}",
        "GET /breach/{incident_id}",
    ),
    **_all(READ, Reach.EVERYWHERE, "GET /metrics", "GET /settings", "GET /drills"),
    **_all(REPORT, Reach.SOMEWHERE, "GET /report", "POST /report"),
    # Working on it.
    **_all(
        RESPOND, Reach.SOMEWHERE,
        "POST /runbooks/{place:path}", "POST /api/v1/incidents", "POST /api/v1/runs", "POST /breach",
    ),
    **_all(
        RESPOND, Reach.THING,
        "POST /incidents/{incident_id}/acknowledgement", "POST /incidents/{incident_id}/runbook",
        "POST /incidents/{incident_id}/notes", "POST /incidents/{incident_id}/resolution",
        "POST /incidents/{incident_id}/people", "POST /incidents/{incident_id}/reopening",
        "POST /incidents/{incident_id}/pins", "POST /incidents/{incident_id}/items",
        "POST /incidents/{incident_id}/items/{number}/{deed}", "POST /incidents/{incident_id}/corrections",
        "POST /incidents/{incident_id}/assessment", "POST /incidents/{incident_id}/affected",
        "POST /api/v1/incidents/{incident_id}/assessment", "POST /api/v1/incidents/{incident_id}/affected",
        "POST /api/v1/incidents/{incident_id}/corrections",
        "POST /incidents/{incident_id}/evidence", "POST /api/v1/incidents/{incident_id}/evidence",
        "POST /reviews/{incident_id}", "POST /reviews/{incident_id}/publication",
        "POST /api/v1/incidents/{incident_id}/acknowledgement", "POST /api/v1/incidents/{incident_id}/notes",
        "POST /api/v1/incidents/{incident_id}/resolution", "POST /api/v1/incidents/{incident_id}/reopening",
        "POST /breach/{incident_id}/containment", "POST /breach/{incident_id}/gates/{gate}",
        "POST /breach/{incident_id}/assessment/preview", "POST /breach/{incident_id}/assessment",
        "POST /breach/{incident_id}/reset",
        "POST /runs/{run_id}/denial", "POST /runs/{run_id}/decision", "POST /runs/{run_id}/ticks",
        "POST /runs/{run_id}/undo", "POST /runs/{run_id}/cancellation",
        "POST /api/v1/runs/{run_id}/denial", "POST /api/v1/runs/{run_id}/decision",
        "POST /api/v1/runs/{run_id}/ticks", "POST /api/v1/runs/{run_id}/undo",
        "POST /api/v1/runs/{run_id}/cancellation",
    ),
    # What loses data asks for ``destroy`` besides, once it is known what is approved.
    **_all(APPROVE, Reach.THING, "POST /runs/{run_id}/approval", "POST /api/v1/runs/{run_id}/approval"),
    **_all(
        COMMAND, Reach.THING,
        "POST /breach/{incident_id}/notice/preview", "POST /breach/{incident_id}/notice",
        "POST /breach/{incident_id}/letters/preview", "POST /breach/{incident_id}/letters/test",
        "POST /breach/{incident_id}/letters", "POST /breach/{incident_id}/report/preview",
        "POST /breach/{incident_id}/report",
        "POST /incidents/{incident_id}/roles", "POST /incidents/{incident_id}/roles/release",
        "POST /incidents/{incident_id}/severity", "GET /incidents/{incident_id}/updates/{audience}",
        "GET /incidents/{incident_id}/updates/{audience}/sending", "POST /incidents/{incident_id}/updates/{audience}",
        "POST /incidents/{incident_id}/updates/{audience}/sending",
        "POST /api/v1/incidents/{incident_id}/severity", "POST /api/v1/incidents/{incident_id}/updates",
        "POST /api/v1/incidents/{incident_id}/updates/sending", "POST /api/v1/incidents/{incident_id}/roles",
    ),
    # They reach across services: who holds alerts back, or puts somebody on call, has the role everywhere.
    **_all(
        RESPOND, Reach.EVERYWHERE,
        "POST /silences", "POST /silences/{silence_id}/end", "POST /maintenances", "POST /maintenances/{window_id}/end",
        "POST /todo/reviewed",
    ),
    **_all(
        COMMAND, Reach.EVERYWHERE,
        "POST /oncall/{schedule}/overrides", "POST /oncall/{schedule}/overrides/{override_id}/removal",
        "POST /api/v1/oncall/{schedule}/overrides",
    ),
    **_all(
        ADMINISTER, Reach.EVERYWHERE,
        "GET /people", "POST /people", "POST /people/{name}/role", "POST /people/{name}/state",
        "POST /people/{name}/password", "POST /people/{name}/sessions/end", "GET /audit",
        "GET /subscribers", "POST /subscribers/{subscriber_id}/removal",
    ),
    **_all(
        ADMINISTER, Reach.THING,
        "GET /incidents/{incident_id}/erasure", "POST /incidents/{incident_id}/erasure",
        "POST /incidents/{incident_id}/erasure/preview", "POST /api/v1/incidents/{incident_id}/erasure",
        "POST /api/v1/incidents/{incident_id}/erasure/preview",
    ),
}  # fmt: skip
"""By method and path, as the routes write them."""


@dataclass(frozen=True, slots=True)
class Found:
    """A door, and what the address names."""

    route: str
    door: Door
    params: Mapping[str, str]


def find(method: str, path: str) -> Found | None:
    """The door of a request; None where there is none."""
    method = "GET" if method == "HEAD" else method
    for route, pattern, door in _compiled().get(method, ()):
        if match := pattern.match(path):
            return Found(route, door, match.groupdict())
    return None


@cache
def _compiled() -> dict[str, list[tuple[str, re.Pattern[str], Door]]]:
    """By method; a path without a part that may be anything goes first, as it does among the routes."""
    found: dict[str, list[tuple[str, re.Pattern[str], Door]]] = {}
    for route, door in sorted(DOORS.items(), key=lambda item: item[0].count("{")):
        method, path = route.split(" ", 1)
        found.setdefault(method, []).append((route, compile_path(path)[0], door))
    return found
