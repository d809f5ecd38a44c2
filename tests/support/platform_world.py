"""RoleRabbit's platform as its clients see it, over replicas that are only written down: what it answers is its own.

``faults`` make the next call whose path holds a word end as the API, or the net, ends it. ``calls`` are what was
asked, in order.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from hutch.model.action import Verification, Verified
from hutch.ports import Action
from rolerabbit.platform.control import now, write_private
from rolerabbit.platform.errors import DeployFailed
from rolerabbit.platform.held import Held
from rolerabbit.platform.ledger import Deployment, Kind, Ledger, Release
from rolerabbit.platform.logbook import Logbook
from rolerabbit.platform.railway import api as railway
from rolerabbit.platform.rotation import Secrets
from rolerabbit.platform.vercel import api as vercel

TOKEN = "platformtoken1234"
FAULTS: dict[str, tuple[int, dict[str, str], dict[str, Any]]] = {
    "throttled": (429, {"X-RateLimit-Reset": "0"}, {"error": {"code": "rate_limited", "message": "Slow down"}}),
    "throttled for long": (429, {"Retry-After": "3600"}, {"error": {"code": "rate_limited", "message": "Slow down"}}),
    "denied": (403, {}, {"error": {"code": "forbidden", "message": "no right for the token SECRET-IN-A-MESSAGE"}}),
    "expired": (403, {}, {"error": {"code": "forbidden", "message": "Not authorized", "invalidToken": True}}),
    "broken": (500, {}, {"error": {"code": "internal_server_error", "message": "oops"}}),
    "vague": (200, {}, {"errors": [{"message": "Problem processing request"}], "data": None}),
    "not authorized": (200, {}, {"errors": [{"message": "Not Authorized"}], "data": None}),
    "odd": (200, {}, {"something": "else"}),
}


LATE = 1.0
"""Seconds after which the answer of what is slow would come; it never does."""


@dataclass
class Pile:
    """As many replicas as are wanted, of the release that runs."""

    paper: Paper
    size: int = 2

    def describe(self) -> list[dict[str, Any]]:
        state, release = "ready" if self.paper.serving else "backing-off", self.paper.ledger.current
        return [{"replica": f"{release}-{n}", "release": release, "state": state} for n in range(1, self.size + 1)]


@dataclass
class Paper:
    """Replicas on paper. A change takes ``seconds``; of releases in ``bad`` no replica comes up."""

    ledger: Ledger = field(default_factory=Ledger)
    seconds: float = 0.0
    bad: set[str] = field(default_factory=set)
    busy: bool = False
    serving: bool = True
    stuck: bool = False
    """No replica comes or goes any more."""

    def __post_init__(self) -> None:
        self.fleet = Pile(self)
        self.held = self.deployed = Held()

    def hold(self, held: Held) -> None:
        self.held = held

    def ran(self, *releases: str, ago: timedelta = timedelta(hours=2)) -> None:
        """Releases that were deployed one after the other, a minute apart."""
        at = datetime.now(UTC) - ago
        for number, release in enumerate(releases):
            moment = (at + timedelta(minutes=number)).isoformat(timespec="milliseconds")
            if all(known.id != release for known in self.ledger.releases):
                self.ledger = self.ledger.register(Release(release, moment))
            self.ledger, begun = self.ledger.begin(release, "deploy", moment)
            self.ledger = self.ledger.finish(begun.id, "failed" if release in self.bad else "succeeded", moment, "")

    async def deploy(self, release_id: str) -> Deployment:
        return await self._run(release_id, "deploy")

    async def rollback(self, to: str | None) -> Deployment:
        return await self._run(self.ledger.rollback_target(to), "rollback")

    async def restart(self) -> None:
        await asyncio.sleep(self.seconds)

    async def scale(self, replicas: int) -> None:
        self.busy = True
        await asyncio.sleep(self.seconds)
        self.busy = False
        self.fleet.size = self.fleet.size if self.stuck else replicas

    async def _run(self, release: str, kind: Kind) -> Deployment:
        self.ledger, begun = self.ledger.begin(release, kind, now())
        self.busy = True
        await asyncio.sleep(self.seconds)
        self.busy = False
        if release in self.bad:
            self.ledger = self.ledger.finish(begun.id, "failed", now(), "no replica came up")
            raise DeployFailed("no replica came up", "see its log")
        self.deployed = self.held
        self.ledger = self.ledger.finish(begun.id, "succeeded", now())
        return self.ledger.deployment(begun.id)


@dataclass(frozen=True)
class Call:
    """One request as it came."""

    method: str
    path: str
    query: str
    body: Any
    token: str

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class World:
    """The platform of two releases, ``41`` and then ``42``."""

    folder: Path
    control: Paper = field(default_factory=Paper)
    calls: list[Call] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    after_change: list[tuple[str, str]] = field(default_factory=list)
    change_mark: str = "POST"

    def __post_init__(self) -> None:
        self.book = Logbook(self.folder / "logs")
        self.secrets = Secrets(self.folder / "keys.json", "", now, write_private)
        self.control.ran("41", "42")

    def fault(self, path: str) -> str:
        found = next((f for f in self.faults if f[0] in path), None)
        if found:
            self.faults.remove(found)
        return found[1] if found else ""

    def asked(self, method: str = "POST") -> list[str]:
        return [call.line for call in self.calls if call.method == method]


class Recorder:
    """Notes each request, and lets the faults happen."""

    def __init__(self, app: Any, world: World) -> None:
        self.app, self.world = app, world

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        asked = json.loads(body) if body else None
        token = headers.get("authorization", "").removeprefix("Bearer ") or headers.get("project-access-token", "")
        call = Call(scope["method"], scope["path"], scope["query_string"].decode(), asked, token)
        self.world.calls.append(call)
        fault = self.world.fault(f"{call.line} {json.dumps(asked)}")
        given = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def again() -> Any:
            return next(given, None) or await receive()

        if fault in FAULTS:
            status, more, content = FAULTS[fault]
            await _answer(send, status, json.dumps(content).encode(), more)
        elif fault == "garbled":
            await _answer(send, 200, b"<html>not what was asked for</html>", {})
        elif fault == "slow":
            await self.app(scope, again, _nowhere)
            await asyncio.sleep(LATE)
        elif fault in ("lost", "never"):
            if fault == "lost":
                await self.app(scope, again, _nowhere)
            head = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"99")]}
            await send(head)
        else:
            await self.app(scope, again, send)
        if self.world.change_mark in f"{call.method} {json.dumps(asked)}":
            self.world.faults += self.world.after_change
            self.world.after_change = []


async def _nowhere(_message: Any) -> None:
    """The answer is lost."""


async def _answer(send: Any, status: int, content: bytes, headers: dict[str, str]) -> None:
    rows = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    rows += [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": rows})
    await send({"type": "http.response.body", "body": content})


def utc_now() -> datetime:
    """The provider's clock."""
    return datetime.now(UTC)


def changes(world: World) -> list[str]:
    """The changes that Railway's API was asked for, in order."""
    return [c.body["operationName"] for c in world.calls if c.body["query"].startswith("mutation")]


async def settled(action: Action, args: Mapping[str, object]) -> Verification:
    """What verification says once it is no longer too early."""
    for _ in range(200):
        found = await action.verify(args)
        if found.verdict is not Verified.PENDING:
            return found
    raise AssertionError("it is never there")


@contextmanager
def serving(world: World) -> Iterator[str]:
    """The address at which it answers."""
    app = FastAPI()
    vercel.add_to(app, vercel.Door(world.control, world.book, TOKEN, world.secrets))
    railway.add_to(app, railway.Yard(world.control, world.book, TOKEN, lambda: world.control.serving, world.secrets))
    config = uvicorn.Config(
        Recorder(app, world),
        host="127.0.0.1",
        port=0,
        log_level="critical",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until = time.monotonic() + 20
        while not server.started and thread.is_alive() and time.monotonic() < until:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)
