"""The ledger as Railway tells it: a roll-back is a deployment of its own, and only the last one runs. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from rolerabbit.platform.held import Held
from rolerabbit.platform.ledger import Deployment, Ledger

PROJECT = "00000000-0000-4000-8000-0000000000a1"
ENVIRONMENT = "00000000-0000-4000-8000-0000000000b1"
SERVICE = "00000000-0000-4000-8000-0000000000c1"
REGION = "us-west2"
INSTANCES = {"ready": "RUNNING", "starting": "INITIALIZING", "stopping": "REMOVING"}
FILTER = re.compile(r'"(?P<text>[^"]*)"|@level:(?P<level>\w+)|(?P<word>[^\s"@]+)')
PLAN = {"vCPUs": 8.0, "memoryGB": 8.0}
"""The most that a replica may have, and has where nothing else is set."""
GB = 1_000_000_000
Row = dict[str, Any]


def merged(held: Held) -> Row:
    """The limits with what the plan gives.

    >>> merged(Held(cpu=2))
    {'containers': {'cpu': 2, 'memoryBytes': 8000000000}}
    """
    cpu, memory = held.cpu or _plain(PLAN["vCPUs"]), held.memory or int(PLAN["memoryGB"] * GB)
    return {"containers": {"cpu": cpu, "memoryBytes": memory}}


def own_limits(held: Held) -> Row | None:
    """The service's own; None where it has none.

    >>> own_limits(Held()), own_limits(Held(cpu=2))
    (None, {'containers': {'cpu': 2}})
    """
    own = {"cpu": held.cpu, "memoryBytes": held.memory}
    return {"containers": {key: value for key, value in own.items() if value}} if any(own.values()) else None


def limited(held: Held, wanted: Row) -> Held:
    """With the limits that are given."""
    cpu, memory = wanted.get("vCPUs"), wanted.get("memoryGB")
    return Held(_plain(cpu) if cpu else held.cpu, round(memory * GB) if memory else held.memory)


def deployed_with(row: Row, own: Row | None) -> Row:
    """A deployment's row with the limits that it was made with."""
    return {**row, "meta": {**row["meta"], "serviceManifest": {"deploy": {"limitOverride": own}}}}


def _plain(value: float) -> float:
    return int(value) if value.is_integer() else value


def rows(ledger: Ledger, serving: bool, replicas: Sequence[Row]) -> list[Row]:
    """Every deployment, the newest first. Where nothing is ``serving`` the one that should has crashed. The replicas
    are those of the newest deployment of their release that came so far."""
    live = next((d.id for d in reversed(ledger.deployments) if d.status == "succeeded"), "")
    found = [_row(d, d.id == live, serving) for d in reversed(ledger.deployments)]
    return [{**row, "instances": _instances(replicas, row) if row["id"] == _id(live) else []} for row in found]


def settings(replicas: int) -> Row:
    """The environment's, as far as they are about replicas."""
    deploy = {"multiRegionConfig": {REGION: {"numReplicas": replicas}}}
    return {"services": {SERVICE: {"deploy": deploy}}}


def replicas_of(patch: Row | None) -> int:
    """The number that a patch of these settings asks for; 0 where it names none.

    >>> replicas_of(settings(3))
    3
    """
    found: Any = patch or {}
    for key in ("services", SERVICE, "deploy", "multiRegionConfig", REGION, "numReplicas"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, int) else 0


def _instances(replicas: Sequence[Row], row: Row) -> list[Row]:
    mine = (replica for replica in replicas if replica["release"] == row["release"])
    return [{"id": r["replica"], "status": INSTANCES.get(r["state"], "CRASHED")} for r in mine]


def _id(entry: str) -> str:
    return deployment_id(int(entry.removeprefix("dpl-"))) if entry else ""


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
