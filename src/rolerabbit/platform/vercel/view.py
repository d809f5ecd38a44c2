"""The ledger as Vercel tells it: builds, which of them has the production domains, and the last move of those. Pure.

A deployment of the ledger is a build. A roll-back builds nothing: it points the domains at an earlier build.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rolerabbit.platform.held import Held
from rolerabbit.platform.ledger import Deployment, Ledger

PROJECT, PROJECT_ID, OWNER = "rolerabbit", "prj_rolerabbit", "usr_rolerabbit"
STATES = {"running": "BUILDING", "succeeded": "READY", "failed": "ERROR"}
JOBS = {"running": "in-progress", "succeeded": "succeeded", "failed": "failed"}

GIB = 1024 * 1024 * 1024
TIERS = {"standard": Held(1, 2 * GIB), "performance": Held(2, 4 * GIB)}
"""The sizes of functions, by the names that Vercel's API gives them."""
DEFAULT_TIER = "standard"


def resources(held: Held) -> dict[str, Any]:
    """How large functions are by the project's own setting, where it has one, and what is so without one.

    >>> resources(Held())["resourceConfig"], resources(TIERS["performance"])["resourceConfig"]
    ({}, {'functionDefaultMemoryType': 'performance'})
    """
    own = next((name for name, size in TIERS.items() if size == held), "")
    key = "functionDefaultMemoryType"
    return {"resourceConfig": {key: own} if own else {}, "defaultResourceConfig": {key: DEFAULT_TIER}}


@dataclass(frozen=True, slots=True)
class Build:
    """One of Vercel's deployments. ``origin`` is the build that it builds again; ``served``: it has had the domains."""

    id: str
    number: int
    release: str
    created: int
    state: str
    ready: int | None = None
    origin: str = ""
    served: bool = False
    why: str = ""

    @property
    def url(self) -> str:
        """Its own host."""
        return f"{PROJECT}-{self.number}.localhost"

    def as_json(self) -> dict[str, Any]:
        """As a row of the list, and as the answer for one."""
        return {
            "uid": self.id,
            "id": self.id,
            "name": PROJECT,
            "url": self.url,
            "projectId": PROJECT_ID,
            "ownerId": OWNER,
            "created": self.created,
            "createdAt": self.created,
            "buildingAt": self.created,
            "ready": self.ready,
            "state": self.state,
            "readyState": self.state,
            "readySubstate": "PROMOTED" if self.served else "STAGED",
            "target": "production",
            "aliasAssigned": self.served,
            "alias": [f"{PROJECT}.localhost"] if self.served else [],
            "isRollbackCandidate": self.served,
            "inspectorUrl": f"https://{PROJECT}.localhost/{self.id}",
            "creator": {"uid": OWNER, "username": PROJECT},
            "meta": {
                "release": self.release,
                **({"action": "redeploy", "originalDeploymentId": self.origin} if self.origin else {}),
            },
            **({"errorMessage": self.why} if self.why else {}),
        }


@dataclass(frozen=True, slots=True)
class Move:
    """The domains were pointed from one build at another."""

    type: str
    origin: str
    to: str
    status: str
    requested: int

    def as_json(self) -> dict[str, Any]:
        """As ``lastAliasRequest`` of the project."""
        return {
            "fromDeploymentId": self.origin,
            "toDeploymentId": self.to,
            "jobStatus": self.status,
            "requestedAt": self.requested,
            "type": self.type,
        }


@dataclass(frozen=True, slots=True)
class View:
    """All builds, oldest first, that which has the domains, and the last move. ``pinned``: since a roll-back, new
    builds get no domain until one is promoted."""

    builds: Mapping[str, Build]
    production: str = ""
    move: Move | None = None

    @property
    def pinned(self) -> bool:
        """Whether the last move was a roll-back, and nothing was built since that took the domains."""
        return self.move is not None and self.move.type == "rollback" and self.move.to == self.production


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked by Vercel's API of a deployment of the ledger: a move to the build ``to``, or a build again of
    ``origin``."""

    type: str
    to: str = ""
    origin: str = ""


def view(ledger: Ledger, asked: Mapping[str, Asked], staged: Sequence[Build] = ()) -> View:
    """The ledger so far. ``asked`` by the id of the ledger's deployment; ``staged`` are builds that wait for a
    promotion, and that the ledger does not know."""
    builds = {build.id: build for build in staged}
    production, move = "", None
    for entry in ledger.deployments:
        known, succeeded = asked.get(entry.id), entry.status == "succeeded"
        if entry.kind == "rollback" or (known is not None and known.to):
            to = known.to if known else _newest(builds, entry.release)
            type_ = known.type if known else "rollback"
            move = Move(type_, production, to, JOBS[entry.status], millis(entry.started_at))
            if succeeded and to in builds:
                builds[to], production = replace(builds[to], served=True), to
        else:
            origin = known.origin if known else production
            build = _built(entry, origin if entry.release == entry.previous else "")
            builds[build.id] = build
            production = build.id if succeeded else production
    return View(builds, production, move)


def _built(entry: Deployment, origin: str) -> Build:
    served, number = entry.status == "succeeded", int(entry.id.removeprefix("dpl-"))
    ready = millis(entry.finished_at) if entry.finished_at and served else None
    created, state = millis(entry.started_at), STATES[entry.status]
    return Build(build_id(number), number, entry.release, created, state, ready, origin, served, entry.reason)


def build_id(number: int) -> str:
    """The id of a build, in Vercel's form.

    >>> build_id(7)
    'dpl_000000000000000000000007'
    """
    return f"dpl_{number:024d}"


def _newest(builds: Mapping[str, Build], release: str) -> str:
    return next((b.id for b in reversed(list(builds.values())) if b.release == release and b.served), "")


def millis(moment: str) -> int:
    """Milliseconds since 1970 of an ISO 8601 text."""
    return int(datetime.fromisoformat(moment).timestamp() * 1000)
