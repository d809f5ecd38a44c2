"""The ledger as Railway tells it: a roll-back is a deployment of its own, and only the last one runs. Pure."""

from __future__ import annotations

import re
from typing import Any

from rolerabbit.platform.ledger import Deployment, Ledger

PROJECT = "00000000-0000-4000-8000-0000000000a1"
ENVIRONMENT = "00000000-0000-4000-8000-0000000000b1"
SERVICE = "00000000-0000-4000-8000-0000000000c1"
FILTER = re.compile(r'"(?P<text>[^"]*)"|@level:(?P<level>\w+)|(?P<word>[^\s"@]+)')
Row = dict[str, Any]


def rows(ledger: Ledger, serving: bool) -> list[Row]:
    """Every deployment, the newest first. Where nothing is ``serving`` the one that should has crashed."""
    live = next((d.id for d in reversed(ledger.deployments) if d.status == "succeeded"), "")
    return [_row(d, d.id == live, serving) for d in reversed(ledger.deployments)]


def deployment_id(number: int) -> str:
    """Railway's form of an id.

    >>> deployment_id(7)
    '00000000-0000-4000-8000-000000000007'
    """
    return f"00000000-0000-4000-8000-{number:012d}"


def _row(entry: Deployment, live: bool, serving: bool) -> Row:
    number = int(entry.id.removeprefix("dpl-"))
    states = {"running": "DEPLOYING", "failed": "FAILED"}
    ran = ("SUCCESS" if serving else "CRASHED") if live else "REMOVED"
    return {
        "id": deployment_id(number),
        "status": states.get(entry.status, ran),
        "createdAt": entry.started_at,
        "statusUpdatedAt": entry.finished_at or entry.started_at,
        "projectId": PROJECT,
        "environmentId": ENVIRONMENT,
        "serviceId": SERVICE,
        "canRollback": entry.status == "succeeded" and not live,
        "canRedeploy": entry.status != "running",
        "meta": {"image": f"rolerabbit:{entry.release}"},
        "release": entry.release,
    }


def wanted(words: str) -> tuple[str, str]:
    """The text and the level that a filter asks for: ``"text"`` and ``@level:LEVEL``, joined by AND.

    >>> wanted('@level:error AND "timed out"')
    ('timed out', 'error')
    """
    text, level = "", ""
    for found in FILTER.finditer(words):
        level = found["level"] or level
        text = found["text"] or (found["word"] if found["word"] not in (None, "AND") else "") or text
    return text, level
