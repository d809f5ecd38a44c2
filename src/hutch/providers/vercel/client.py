"""What Vercel says of one project, as values."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from hutch.providers.vercel.calls import Ask, call
from hutch.providers.vercel.config import Config
from hutch.remote import Refused

PAGE = 100
MOST_PAGES = 200
"""Pages of deployments that are read at most: 20,000."""
UNDER_WAY = frozenset({"QUEUED", "INITIALIZING", "BUILDING"})
MOVING = frozenset({"pending", "in-progress"})


@dataclass(frozen=True, slots=True)
class Build:
    """One production deployment: what Vercel built once and keeps. ``origin`` is the one that it builds again;
    ``names`` are what the service may call itself: what was given with it as its release or version, its commit, its
    host."""

    id: str
    url: str
    name: str
    state: str
    target: str
    created_at: datetime
    ready_at: datetime | None
    staged: bool
    candidate: bool
    again: bool
    origin: str
    why: str
    names: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether it is built and can serve."""
        return self.state == "READY"

    @property
    def ran(self) -> bool:
        """Whether it has had the production domains, as far as Vercel tells."""
        return self.ready and not self.staged

    @property
    def root(self) -> str:
        """The deployment whose source it is."""
        return self.origin or self.id

    def __str__(self) -> str:
        return f"{self.id} {self.state.lower()} ({self.url})"


@dataclass(frozen=True, slots=True)
class Move:
    """The last time that the production domains were pointed at another deployment."""

    type: str
    origin: str
    to: str
    status: str
    at: datetime

    @property
    def going_on(self) -> bool:
        """Whether Vercel is at it."""
        return self.status in MOVING


@dataclass(frozen=True, slots=True)
class State:
    """The project now. ``pinned``: it was rolled back, and new deployments do not get the domains. ``resources`` are
    Vercel's rows on how large its functions are."""

    id: str
    owner: str
    production: Build | None
    move: Move | None
    pinned: bool
    resources: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        moving = f"; {self.move.type} to {self.move.to} {self.move.status}" if self.move else ""
        return f"production is {self.production or 'no deployment'}{moving}"

    @property
    def running(self) -> Build:
        """What has the production domains. :class:`Refused` where nothing has."""
        if self.production is None:
            raise Refused("the project has no production deployment")
        return self.production


@dataclass(frozen=True, slots=True)
class Client:
    """Reads with one token and changes with another. Each call opens a connection of its own."""

    config: Config

    async def state(self) -> State:
        """The project now."""
        ask = Ask("read the project", f"/v9/projects/{quote(self.config.project, safe='')}", {"rollbackInfo": "true"})
        found = await call(self.config, ask)
        if not _text(found, "id"):
            raise Refused("cannot read the project: Vercel's answer is not of the expected form")
        targets = found.get("targets")
        production = targets.get("production") if isinstance(targets, dict) else None
        move = found.get("lastAliasRequest")
        last = _move(move) if isinstance(move, dict) else None
        running = _build(production) if isinstance(production, dict) else None
        pinned = bool(last and running and last.type == "rollback" and last.to == running.id)
        return State(
            _text(found, "id"),
            _text(found, "accountId"),
            running,
            last,
            pinned or found.get("autoAssignCustomDomains") is False,
            {part: found.get(part) for part in ("resourceConfig", "defaultResourceConfig")},
        )

    async def build(self, wanted: str) -> Build:
        """A deployment by its id or host. :class:`Refused` where there is none."""
        host = wanted.removeprefix("https://").rstrip("/")
        found = await call(self.config, Ask(f"read {host}", f"/v13/deployments/{quote(host, safe='')}", {}))
        return _build(found)

    async def builds(self, state: State) -> AsyncIterator[Build]:
        """The production deployments, the newest first; a page is read when it is needed."""
        query = {"projectId": state.id, "target": "production", "limit": str(PAGE)}
        for _ in range(MOST_PAGES):
            found = await call(self.config, Ask("list the deployments", "/v6/deployments", query))
            for row in _rows(found, "deployments"):
                yield _build(row)
            pagination = found.get("pagination")
            until = pagination.get("next") if isinstance(pagination, dict) else None
            if not until or str(until) == query.get("until"):
                return
            query = {**query, "until": str(until)}

    async def newest(self, state: State) -> str:
        """The id of the newest production deployment."""
        async for build in self.builds(state):
            return build.id
        return ""

    async def move(self, way: str, state: State, build: str) -> None:
        """Ask, once, to point the production domains at a deployment: ``rollback`` or ``promote``."""
        version = {"rollback": "v9", "promote": "v10"}[way]
        doing = {"rollback": "roll back", "promote": "promote"}[way]
        await call(self.config, Ask(doing, f"/{version}/projects/{state.id}/{way}/{quote(build, safe='')}", {}, {}))

    async def redeploy(self, build: Build) -> Build:
        """Ask, once, to build a deployment again for production."""
        body = {"deploymentId": build.id, "meta": {"action": "redeploy"}, "name": build.name, "target": "production"}
        return _build(await call(self.config, Ask("redeploy", "/v13/deployments", {"forceNew": "1"}, body)))

    async def log_rows(self, query: Mapping[str, str]) -> tuple[list[Mapping[str, Any]], bool]:
        """A page of the logged requests, the newest first, and whether there are more."""
        ask = Ask("read the logs", "/api/logs/request-logs", query, base=self.config.logs_url)
        found = await call(self.config, ask)
        return _rows(found, "rows"), found.get("hasMoreRows") is True


def _rows(found: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """A list of the answer. Without it nothing is known: that is not the same as an empty one."""
    rows = found.get(key)
    if not isinstance(rows, list):
        raise Refused(f"Vercel's answer is not of the expected form: it has no list of {key}")
    return [row for row in rows if isinstance(row, dict)]


def _build(row: Mapping[str, Any]) -> Build:
    meta = row.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    again = meta.get("action") == "redeploy"
    found = _text(row, "uid") or _text(row, "id")
    if not found:
        raise Refused("Vercel's answer names no deployment")
    return Build(
        id=found,
        url=_text(row, "url"),
        name=_text(row, "name"),
        state=_text(row, "readyState") or _text(row, "state"),
        target=_text(row, "target"),
        created_at=_moment(row.get("createdAt") or row.get("created")) or datetime.fromtimestamp(0, UTC),
        ready_at=_moment(row.get("ready")),
        staged=row.get("readySubstate") == "STAGED",
        candidate=row.get("isRollbackCandidate") is not False,
        again=again,
        origin=_text(meta, "originalDeploymentId") if again else "",
        why=_text(row, "errorMessage"),
        names=_names(meta, _text(row, "url")),
    )


def _names(meta: Mapping[str, Any], host: str) -> tuple[str, ...]:
    commits = sorted(key for key in meta if key.endswith("CommitSha"))
    found = (_text(meta, key) for key in ("release", "version", *commits))
    return tuple(dict.fromkeys(name for name in (*found, host) if name))


def _move(row: Mapping[str, Any]) -> Move:
    names = ("type", "fromDeploymentId", "toDeploymentId", "jobStatus")
    type_, origin, to, status = (_text(row, name) for name in names)
    return Move(type_, origin, to, status, _moment(row.get("requestedAt")) or datetime.fromtimestamp(0, UTC))


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""


def _moment(value: object) -> datetime | None:
    """Vercel gives milliseconds since 1970."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
