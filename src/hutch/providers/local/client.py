"""The platform's HTTP API, its answers as values, its errors classified."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlencode

import aiohttp

from hutch.model.event import parse_instant
from hutch.model.platform import LogLine
from hutch.providers.local.config import BOUNDS, Config
from hutch.remote import Refused, Silent

TEMPORARY = frozenset({HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS})
"""Answers after which the same call may succeed later: another change was being made, the platform was starting."""

UNDECIDED = frozenset({HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.GATEWAY_TIMEOUT})
"""Answers that do not tell whether a change was made: it broke off, or somebody between us gave up waiting."""


@dataclass(frozen=True, slots=True)
class Replica:
    """One replica; ``started_at`` is None while it is down."""

    name: str
    release: str
    pid: int | None
    state: str
    restarts: int
    started_at: datetime | None

    @property
    def ready(self) -> bool:
        """Whether it serves."""
        return self.state == "ready"

    def __str__(self) -> str:
        return f"replica {self.name} of release {self.release} (pid {self.pid}, {self.state})"


@dataclass(frozen=True, slots=True)
class Component:
    """A server beside the service; ``pid`` is None while it is down, ``started_at`` where the platform tells none."""

    name: str
    pid: int | None
    stopped_on_purpose: bool
    started_at: datetime | None

    def __str__(self) -> str:
        how = f"pid {self.pid}" if self.pid else "stopped on purpose" if self.stopped_on_purpose else "down"
        return f"{self.name} ({how})"


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a ring by its id; nothing of its value."""

    id: str
    state: str
    changed_at: str


@dataclass(frozen=True, slots=True)
class KeyRings:
    """The platform's secrets; ``sealed`` counts what each key has sealed. ``in_force``: every replica has them."""

    rings: Mapping[str, tuple[Key, ...]]
    in_force: bool
    sealed: Mapping[str, int]

    def signer(self, secret: str) -> str:
        """The key that signs; empty for an unknown secret."""
        return next(iter(self.in_state(secret, "signs")), "")

    def in_state(self, secret: str, state: str) -> list[str]:
        """The ids of that ring's keys that are in this state."""
        return [key.id for key in self.rings.get(secret, ()) if key.state == state]


@dataclass(frozen=True, slots=True)
class PlatformStatus:
    """What runs now. While ``busy`` a change is being made and the replicas of two releases may stand side by side."""

    release: str
    previous: str
    busy: bool
    sizes: Mapping[str, int]
    replicas: tuple[Replica, ...]
    components: Mapping[str, Component]

    @property
    def ready(self) -> int:
        """How many replicas serve."""
        return sum(replica.ready for replica in self.replicas)


@dataclass(frozen=True, slots=True)
class Deployment:
    """One change of the running release, as the platform's ledger has it."""

    release: str
    previous: str
    kind: str
    started_at: datetime
    status: str
    id: str = ""
    finished_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Client:
    """Each call opens a connection of its own: nothing is held while nobody asks."""

    config: Config

    async def status(self) -> PlatformStatus:
        """What runs now."""
        found = _object(await self._call("GET", "/status"), "/status")
        rows = _rows(found.get("replicas"), "/status")
        return PlatformStatus(
            _text(found, "release"),
            _text(found, "previous"),
            found.get("busy") is True,
            {name: size for name in BOUNDS if isinstance(size := found.get(name), int)},
            tuple(_replica(row) for row in rows),
            _components(found.get("components")),
        )

    async def releases(self) -> list[str]:
        """The ids of what can be deployed, oldest first."""
        return [_text(row, "id") for row in _rows(await self._call("GET", "/releases"), "/releases")]

    async def deployments(self) -> list[Deployment]:
        """What was deployed and rolled back, oldest first."""
        rows = _rows(await self._call("GET", "/deployments"), "/deployments")
        return [_deployment(row) for row in rows]

    async def logs(self, asked: Mapping[str, str]) -> list[LogLine]:
        """The newest lines that match, oldest first."""
        rows = _rows(await self._call("GET", f"/logs?{urlencode(asked)}"), "/logs")
        return [_line(row) for row in rows]

    async def metrics(self) -> str:
        """The platform's and the replicas' metrics in Prometheus' text format."""
        return (await self._ask("GET", "/metrics", None, self.config.timeout)).decode("utf-8", errors="replace")

    async def change(self, path: str, body: Mapping[str, object]) -> None:
        """Ask for a change, and wait until the platform says that it is made."""
        await self._ask("POST", path, body, self.config.change_timeout)

    async def _call(self, method: str, path: str) -> object:
        return _parsed(await self._ask(method, path, None, self.config.timeout), path)

    async def keys(self) -> KeyRings:
        """What secrets there are, by their ids."""
        found = _object(await self._call("GET", "/keys"), "/keys")
        rings, sealed = _object(found.get("rings"), "/keys"), _object(found.get("sealed"), "/keys")
        return KeyRings(
            {name: tuple(_key(row) for row in _rows(ring, "/keys")) for name, ring in rings.items()},
            found.get("in_force") is True,
            {key: _count(sealed, key) for key in sealed},
        )

    async def _ask(self, method: str, path: str, body: Mapping[str, object] | None, timeout: float) -> bytes:
        headers = {"Authorization": f"Bearer {self.config.token}"} if body is not None else {}
        try:
            async with (
                asyncio.timeout(timeout),
                aiohttp.ClientSession(trust_env=False, timeout=aiohttp.ClientTimeout(total=None)) as session,
                session.request(
                    method, self.config.url + path, json=body, headers=headers, allow_redirects=False
                ) as answer,
            ):
                content = await answer.read()
        except aiohttp.ClientConnectorError as error:
            raise Silent(f"the platform at {self.config.url} does not answer: {error}", sent=False) from error
        except TimeoutError as error:
            raise Silent(f"no answer to {method} {path} within {timeout:g} s", sent=True) from error
        except (aiohttp.ClientError, OSError) as error:
            said = f"the connection broke during {method} {path}: {error or type(error).__name__}"
            raise Silent(said, sent=True) from error
        if method == "POST" and answer.status in UNDECIDED:
            raise Silent(f"{method} {path}: {_refusal(answer.status, content)}", sent=True)
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise Refused(_refusal(answer.status, content), answer.status in TEMPORARY)
        return content


def _refusal(status: int, content: bytes) -> str:
    found = _json(content)
    if isinstance(found, dict) and isinstance(found.get("error"), str):
        hint = found.get("what_to_do")
        return f"{found['error']}: {hint}" if hint else str(found["error"])
    return f"the platform answers {status}"


def _json(content: bytes) -> object:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _parsed(content: bytes, path: str) -> object:
    found = _json(content)
    if found is None:
        raise Refused(f"the answer to {path} is no JSON: is this the platform's address?", recoverable=False)
    return found


def _object(found: object, path: str) -> Mapping[str, object]:
    if not isinstance(found, dict):
        raise Refused(f"the answer to {path} is not of the expected form", recoverable=False)
    return found


def _rows(found: object, path: str) -> Sequence[Mapping[str, object]]:
    if not isinstance(found, list):
        raise Refused(f"the answer to {path} is not of the expected form", recoverable=False)
    return [_object(row, path) for row in found]


def _text(row: Mapping[str, object], key: str) -> str:
    value = row.get(key)
    return str(value) if isinstance(value, str | int) else ""


def _count(row: Mapping[str, object], key: str) -> int:
    value = row.get(key)
    return value if isinstance(value, int) else 0


def _moment(row: Mapping[str, object], key: str = "started_at") -> datetime:
    try:
        return parse_instant(_text(row, key))
    except ValueError as error:
        raise Refused(f"a time of the platform cannot be read: {error}", recoverable=False) from error


def _deployment(row: Mapping[str, object]) -> Deployment:
    return Deployment(
        release=_text(row, "release"),
        previous=_text(row, "previous"),
        kind=_text(row, "kind"),
        started_at=_moment(row),
        status=_text(row, "status"),
        id=_text(row, "id"),
        finished_at=_moment(row, "finished_at") if row.get("finished_at") else None,
        reason=_text(row, "reason"),
    )


def _key(row: Mapping[str, object]) -> Key:
    return Key(_text(row, "id"), _text(row, "state"), _text(row, "changed_at"))


def _line(row: Mapping[str, object]) -> LogLine:
    names = ("replica", "text", "level", "user", "release")
    replica, text, level, user, release = (_text(row, name) for name in names)
    return LogLine(_moment(row, "time"), replica, text, level, user, release)


def _components(found: object) -> Mapping[str, Component]:
    """The servers beside the service; none of a platform that has none."""
    rows = _object(found, "/status") if found is not None else {}
    return {name: _component(name, _object(row, "/status")) for name, row in rows.items()}


def _component(name: str, row: Mapping[str, object]) -> Component:
    pid = row.get("pid")
    down = row.get("running") is False or not isinstance(pid, int)
    started_at = _moment(row) if row.get("started_at") else None
    return Component(name, None if down else pid, row.get("stopped_on_purpose") is True, started_at)  # type: ignore[arg-type]


def _replica(row: Mapping[str, object]) -> Replica:
    pid = row.get("pid")
    return Replica(
        _text(row, "replica"),
        _text(row, "release"),
        pid if isinstance(pid, int) else None,
        _text(row, "state"),
        _count(row, "restarts"),
        _moment(row) if row.get("started_at") else None,
    )
