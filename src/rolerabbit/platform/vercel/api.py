"""The paths of Vercel's REST API that its client and Hutch ask. Each takes the token, reading ones too."""

from __future__ import annotations

import hmac
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from rolerabbit.platform import logs
from rolerabbit.platform.errors import PlatformError
from rolerabbit.platform.jobs import Jobs, Scaled, Variables
from rolerabbit.platform.ledger import Deployment
from rolerabbit.platform.logbook import Logbook
from rolerabbit.platform.vercel.view import (
    OWNER,
    PROJECT,
    PROJECT_ID,
    TIERS,
    Asked,
    Build,
    View,
    build_id,
    resources,
    view,
)

PAGE, MOST = 20, 100
LOG_PAGE = 50
LEVELS = {"critical": "fatal"}
FORBIDDEN, NOT_FOUND, CONFLICT, CREATED = 403, 404, 409, 201


class Refused(Exception):
    """Vercel's form of a refusal."""

    def __init__(self, status: int, code: str, message: str, **more: object) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": code, "message": message, **more}}


class Redeploy(BaseModel):
    """Body of POST /v13/deployments, as far as it is a build again of an earlier one."""

    deploymentId: str = ""
    name: str = PROJECT
    target: str | None = None
    meta: dict[str, str] = {}


class Resources(BaseModel):
    """How large the functions are."""

    functionDefaultMemoryType: str = ""


class Update(BaseModel):
    """Body of PATCH /v9/projects/ID, as far as it is about their size."""

    resourceConfig: Resources


class Variable(BaseModel):
    """Body of PATCH …/env/ID."""

    value: str


class Door:
    """What was asked by this API, beside the ledger: it is forgotten when the platform ends."""

    def __init__(self, control: Scaled, book: Logbook, token: str, variables: Variables) -> None:
        self.control = control
        self.variables = variables
        self.book = book
        self.token = token
        self._asked: dict[str, Asked] = {}
        self._staged: dict[str, Build] = {}
        self._jobs = Jobs(control)
        self._seen: tuple[object, View] = (None, View({}))

    @property
    def view(self) -> View:
        """As Vercel tells it now; of the same ledger it is told once."""
        now = (self.control.ledger, len(self._asked), len(self._staged))
        if self._seen[0] != now:
            self._seen = (now, view(self.control.ledger, self._asked, tuple(self._staged.values())))
        return self._seen[1]

    def build(self, wanted: str) -> Build:
        """By its id or host."""
        found = next((b for b in self.view.builds.values() if wanted in (b.id, b.url)), None)
        if found is None:
            raise Refused(NOT_FOUND, "not_found", "The deployment could not be found")
        return found

    async def move(self, way: str, wanted: str) -> None:
        """Point the domains at a build; answers once that has begun."""
        build = self.build(wanted)
        self._free()
        if build.state != "READY" or (way == "rollback" and not build.served):
            raise Refused(422, "unprocessable_entity", f"Deployment {build.id} can't be the target of a {way}")
        work = self.control.rollback if build.served else self.control.deploy
        await self._begin(work(build.release), Asked(way, to=build.id))

    async def again(self, wanted: str) -> Build:
        """Build a build again; after a roll-back it gets no domain until it is promoted."""
        build, before = self.build(wanted), self.view
        self._free()
        if before.pinned:
            number = len(before.builds) + 1_000_000
            staged = Build(build_id(number), number, build.release, _now(), "READY", _now(), build.id)
            self._staged[staged.id] = staged
            return staged
        begun = await self._begin(self.control.deploy(build.release), Asked("redeploy", origin=build.id))
        return self.build(build_id(int(begun.removeprefix("dpl-"))))

    def _free(self) -> None:
        if self.control.busy:
            raise Refused(CONFLICT, "conflict", "Another change of this project is in progress")

    async def _begin(self, work: Coroutine[Any, Any, Deployment], asked: Asked) -> str:
        begun = await self._jobs.begin(work)
        if not begun:
            raise Refused(CONFLICT, "conflict", "The change could not begin")
        self._asked[begun] = asked
        return begun


async def door_of(request: Request) -> Door:
    """The door, for a request that carries the token."""
    door: Door = request.app.state.vercel
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), door.token.encode()):
        raise Refused(FORBIDDEN, "forbidden", "Not authorized", invalidToken=True)
    return door


Known = Annotated[Door, Depends(door_of)]
router = APIRouter(include_in_schema=False)


@router.get("/v2/user")
async def user(_door: Known) -> dict[str, Any]:
    """Whose the token is."""
    named = {"username": PROJECT, "email": f"{PROJECT}@localhost", "name": PROJECT}
    return {"user": {"id": OWNER, "uid": OWNER, **named, "billing": {"plan": "pro"}}}


@router.get("/v9/projects/{wanted}")
async def project(door: Known, wanted: str) -> dict[str, Any]:
    """The project, with what has its domains and the last move of them."""
    _project(wanted)
    now = door.view
    running = now.builds.get(now.production)
    return {
        "id": PROJECT_ID,
        "name": PROJECT,
        "accountId": OWNER,
        "autoAssignCustomDomains": not now.pinned,
        "targets": {"production": running.as_json()} if running else {},
        "lastAliasRequest": now.move.as_json() if now.move else None,
        **resources(door.control.held),
    }


@router.patch("/v9/projects/{wanted}")
async def update(door: Known, wanted: str, body: Update) -> dict[str, Any]:
    """Another size of the functions, which later builds have; what is not named stays, and nothing is built."""
    _project(wanted)
    tier = body.resourceConfig.functionDefaultMemoryType
    if tier not in TIERS:
        raise Refused(400, "bad_request", f"`functionDefaultMemoryType` should be one of {', '.join(TIERS)}.")
    door.control.hold(TIERS[tier])
    return await project(door, wanted)


@router.get("/v6/deployments")
async def deployments(
    door: Known,
    projectId: str = "",
    app: str = "",
    target: str = "production",
    state: str = "",
    until: int | None = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = PAGE,
) -> dict[str, Any]:
    """A page of the builds, the newest first."""
    _project(projectId or app or PROJECT)
    states = {word for word in state.split(",") if word}
    rows = [
        b
        for b in sorted(door.view.builds.values(), key=lambda b: (b.created, b.number), reverse=True)
        if target == "production" and (until is None or b.created < until) and (not states or b.state in states)
    ]
    page = rows[:limit]
    more = page[-1].created if len(rows) > limit else None
    return {
        "deployments": [build.as_json() for build in page],
        "pagination": {"count": len(page), "next": more, "prev": page[0].created if page else None},
    }


@router.get("/v13/deployments/{wanted}")
async def deployment(door: Known, wanted: str) -> dict[str, Any]:
    """One build."""
    return door.build(wanted).as_json()


@router.post("/v13/deployments")
async def redeploy(door: Known, body: Redeploy) -> dict[str, Any]:
    """Build an earlier one again."""
    if not body.deploymentId:
        raise Refused(400, "bad_request", "Only an earlier deployment can be built here: name its deploymentId")
    return (await door.again(body.deploymentId)).as_json()


@router.post("/v9/projects/{wanted}/rollback/{build}")
@router.post("/v1/projects/{wanted}/rollback/{build}")
async def rollback(door: Known, wanted: str, build: str) -> JSONResponse:
    """Point the domains back at an earlier build."""
    _project(wanted)
    await door.move("rollback", build)
    return JSONResponse(None, CREATED)


@router.post("/v10/projects/{wanted}/promote/{build}")
async def promote(door: Known, wanted: str, build: str) -> JSONResponse:
    """Point the domains at a build; later ones take them again."""
    _project(wanted)
    await door.move("promote", build)
    return JSONResponse(None, CREATED)


@router.get("/v9/projects/{wanted}/{way}/aliases")
async def aliases(door: Known, wanted: str, way: str) -> dict[str, Any]:
    """The domains that a move could not take along."""
    _project(wanted)
    move, rows = door.view.move, []
    if move is not None and (move.type, move.status) == (way, "failed"):
        rows = [{"alias": f"{PROJECT}.localhost", "status": "failed", "deploymentId": move.origin}]
    return {"aliases": rows, "pagination": {"count": len(rows), "next": None, "prev": None}}


@router.get("/v10/projects/{wanted}/env")
async def variables(door: Known, wanted: str) -> dict[str, Any]:
    """The variables of production, without their values."""
    _project(wanted)
    return {"envs": [_variable(name) for name in door.variables.environment()]}


@router.get("/v1/projects/{wanted}/env/{variable}")
async def decrypted(door: Known, wanted: str, variable: str) -> dict[str, Any]:
    """One of them with its value."""
    _project(wanted)
    name = _named(door, variable)
    return {**_variable(name), "decrypted": True, "value": door.variables.environment()[name]}


@router.patch("/v9/projects/{wanted}/env/{variable}")
async def edit(door: Known, wanted: str, variable: str, body: Variable) -> dict[str, Any]:
    """Another value: later builds get it."""
    _project(wanted)
    name = _named(door, variable)
    try:
        door.variables.give(name, body.value)
    except PlatformError as error:
        raise Refused(400, "bad_request", str(error)) from error
    return _variable(name)


@router.get("/api/logs/request-logs")
async def request_logs(
    door: Known,
    startDate: int,
    endDate: int,
    projectId: str = PROJECT_ID,
    page: Annotated[int, Query(ge=0)] = 0,
    deploymentId: str = "",
    level: str = "",
    search: str = "",
) -> dict[str, Any]:
    """A page of what was logged between two moments, the newest first. Here each line is a row of its own."""
    _project(projectId)
    start, end = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (startDate, endDate))
    most = (page + 1) * LOG_PAGE + 1
    lines = await door.book.find(logs.Query(start, search, _level(level), None, most, end))
    now = door.view
    rows = [row for line in reversed(lines) if (row := _row(line, now, deploymentId))]
    shown = rows[page * LOG_PAGE : (page + 1) * LOG_PAGE]
    return {"rows": shown, "hasMoreRows": len(rows) > (page + 1) * LOG_PAGE}


def add_to(app: FastAPI, door: Door) -> None:
    """Let the application answer these paths too."""
    app.state.vercel = door
    app.include_router(router)
    app.add_exception_handler(Refused, _refused)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    return JSONResponse(error.body, error.status)


def _variable(name: str) -> dict[str, Any]:
    return {"id": f"env-{name}", "key": name, "type": "encrypted", "target": ["production"]}


def _named(door: Door, variable: str) -> str:
    found = next((name for name in door.variables.environment() if _variable(name)["id"] == variable), None)
    if found is None:
        raise Refused(NOT_FOUND, "env_not_found", "The environment variable could not be found")
    return found


def _project(wanted: str) -> None:
    if wanted not in (PROJECT, PROJECT_ID):
        raise Refused(NOT_FOUND, "not_found", "The project could not be found")


def _level(level: str) -> str | None:
    """The level that is asked for, in the words of the replicas."""
    back = {ours: theirs for theirs, ours in LEVELS.items()}
    first = level.split(",")[0]
    return back.get(first, first) or None


def _row(line: logs.Line, now: View, wanted: str) -> dict[str, Any] | None:
    """A line as a request's row, by the newest build of its release; None where another build is wanted."""
    build = next((b for b in reversed(list(now.builds.values())) if b.release == line.release), None)
    if wanted and (build is None or build.id != wanted):
        return None
    level = line.level or "info"
    return {
        "requestId": f"{line.replica}-{int(line.time.timestamp() * 1_000_000)}",
        "timestamp": line.time.isoformat(),
        "deploymentId": build.id if build else "",
        "domain": f"{PROJECT}.localhost",
        "environment": "production",
        "events": [{"source": "serverless"}],
        "logs": [{"level": LEVELS.get(level, level), "message": line.text, "messageTruncated": False}],
    }


def _now() -> int:
    return int(time.time() * 1000)
