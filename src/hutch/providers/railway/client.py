"""What Railway says of one service, as values."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hutch.model.event import parse_instant
from hutch.model.platform import tag_of
from hutch.providers.railway.calls import Operation, call
from hutch.providers.railway.config import Config
from hutch.remote import Refused

PAGE = 100
MOST_PAGES = 200
"""Pages of deployments that are read at most: 20,000."""
UNDER_WAY = frozenset({"INITIALIZING", "QUEUED", "WAITING", "NEEDS_APPROVAL", "BUILDING", "DEPLOYING"})
LIVE = frozenset({"SUCCESS", "CRASHED", "SLEEPING"})
"""What the deployment that should serve may be; the ones before it are removed."""
FIELDS = "id status createdAt statusUpdatedAt canRollback meta"
LIST = Operation(
    "list the deployments",
    "Deployments",
    "query Deployments($input: DeploymentListInput!, $first: Int, $after: String) {"
    f" deployments(input: $input, first: $first, after: $after) {{ edges {{ node {{ {FIELDS} }} }}"
    " pageInfo { hasNextPage endCursor } } }",
)
ONE = Operation(
    "read the deployment", "Deployment", f"query Deployment($id: String!) {{ deployment(id: $id) {{ {FIELDS} }} }}"
)
LOGS = Operation(
    "read the logs",
    "DeploymentLogs",
    "query DeploymentLogs($deploymentId: String!, $limit: Int, $filter: String, $startDate: DateTime,"
    " $endDate: DateTime) { deploymentLogs(deploymentId: $deploymentId, limit: $limit, filter: $filter,"
    " startDate: $startDate, endDate: $endDate) { timestamp message severity tags { deploymentInstanceId }"
    " attributes { key value } } }",
)
ROLLBACK = Operation(
    "roll back",
    "DeploymentRollback",
    "mutation DeploymentRollback($id: String!) { deploymentRollback(id: $id) }",
)
REDEPLOY = Operation(
    "redeploy",
    "DeploymentRedeploy",
    "mutation DeploymentRedeploy($id: String!) { deploymentRedeploy(id: $id) { id } }",
)


@dataclass(frozen=True, slots=True)
class Deployed:
    """One deployment. ``source`` is what it was made of: a commit or an image; its own id where Railway tells none.
    ``names`` are what the service may call itself: its commit, or the tag of its image; ``settings`` are those that it
    was deployed with, as far as Railway tells them."""

    id: str
    status: str
    created_at: datetime
    changed_at: datetime | None
    can_roll_back: bool
    source: str
    names: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def under_way(self) -> bool:
        """Whether Railway is at it."""
        return self.status in UNDER_WAY

    def __str__(self) -> str:
        return f"{self.id} {self.status.lower()} ({self.source})"


@dataclass(frozen=True, slots=True)
class State:
    """What should serve now, and what was begun after it, the newest first."""

    live: Deployed
    newer: tuple[Deployed, ...]

    @property
    def busy(self) -> bool:
        """Whether a deployment goes on."""
        return any(d.under_way for d in self.newer)

    def __str__(self) -> str:
        return "; ".join(map(str, (self.live, *self.newer[:3])))


@dataclass(frozen=True, slots=True)
class Client:
    """Reads with one token and changes with another. Each call opens a connection of its own."""

    config: Config

    async def state(self) -> State:
        """The service now. :class:`Refused` where nothing was ever deployed."""
        newer: list[Deployed] = []
        async for one in self.deployments():
            if one.status in LIVE:
                return State(one, tuple(newer))
            newer.append(one)
        raise Refused("the service has no deployment that serves")

    async def one(self, wanted: str) -> Deployed:
        """A deployment by its id. :class:`Refused` where there is none."""
        return _deployed(await call(self.config, ONE, {"id": wanted}))

    async def deployments(self) -> AsyncIterator[Deployed]:
        """The service's deployments, the newest first; a page is read when it is needed."""
        place = {
            "projectId": self.config.project,
            "environmentId": self.config.environment,
            "serviceId": self.config.service,
        }
        after: object = None
        for _ in range(MOST_PAGES):
            found = await call(self.config, LIST, {"input": place, "first": PAGE, "after": after})
            for edge in _list(found, "edges"):
                yield _deployed(edge.get("node"))
            info = found.get("pageInfo") or {}
            if not info.get("hasNextPage") or info.get("endCursor") in (None, after):
                return
            after = info["endCursor"]

    async def roll_back(self, to: str) -> None:
        """Ask, once, to deploy an earlier deployment's image and variables again."""
        await call(self.config, ROLLBACK, {"id": to})

    async def redeploy(self, one: str) -> str:
        """Ask, once, to deploy a deployment again; the id of the new one."""
        found = await call(self.config, REDEPLOY, {"id": one})
        return str(found.get("id") or "") if isinstance(found, dict) else ""

    async def logs(self, variables: Mapping[str, object]) -> list[Mapping[str, Any]]:
        """Lines of one deployment, the newest that there are."""
        found = await call(self.config, LOGS, variables)
        return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _list(found: object, key: str) -> list[Mapping[str, Any]]:
    rows = found.get(key) if isinstance(found, dict) else None
    if not isinstance(rows, list):
        raise Refused("Railway's answer is not of the expected form")
    return [row for row in rows if isinstance(row, dict)]


def _deployed(row: object) -> Deployed:
    if not isinstance(row, dict) or not row.get("id"):
        raise Refused("Railway's answer names no deployment")
    meta = row.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    source = meta.get("commitHash") or meta.get("imageDigest") or meta.get("image") or row["id"]
    return Deployed(
        id=str(row["id"]),
        status=str(row.get("status") or ""),
        created_at=_moment(row.get("createdAt")) or datetime.fromtimestamp(0, UTC),
        changed_at=_moment(row.get("statusUpdatedAt")),
        can_roll_back=row.get("canRollback") is True,
        source=str(source),
        names=_names(meta),
        settings=part_of(meta, "serviceManifest", "deploy"),
    )


def part_of(found: object, *keys: str) -> Mapping[str, Any]:
    """The part of an answer under these keys, one in the other; empty where it is not there."""
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _names(meta: Mapping[str, Any]) -> tuple[str, ...]:
    found = (meta.get("commitHash"), tag_of(meta.get("image")), meta.get("imageDigest"))
    return tuple(dict.fromkeys(name for name in found if isinstance(name, str) and name))


def _moment(value: object) -> datetime | None:
    try:
        return parse_instant(value) if isinstance(value, str) else None
    except ValueError:
        return None
