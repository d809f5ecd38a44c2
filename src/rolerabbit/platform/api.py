"""The platform over HTTP, on the loopback address: reading is free, changing takes the token of the ready file."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from rolerabbit.platform import logs
from rolerabbit.platform.components import Components
from rolerabbit.platform.control import Control
from rolerabbit.platform.ecs import api as ecs
from rolerabbit.platform.errors import PlatformError, Unauthorized
from rolerabbit.platform.ledger import Deployment, Release
from rolerabbit.platform.logbook import Logbook
from rolerabbit.platform.monitor import Monitor
from rolerabbit.platform.railway import api as railway
from rolerabbit.platform.vercel import api as vercel

MAX_LINES = 10_000
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
router = APIRouter()


class NewRelease(BaseModel):
    """Body of POST /releases."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)
    id: str
    note: str = ""
    env: dict[str, str] = {}


class Deploy(BaseModel):
    """Body of POST /deployments."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)
    release: str


class Rollback(BaseModel):
    """Body of POST /rollback; it may be left out."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)
    to: str | None = None


class Restart(BaseModel):
    """Body of POST /restart; it may be left out."""

    model_config = ConfigDict(extra="forbid")
    component: Literal["service", "postgres", "redis"] = "service"


class Scale(BaseModel):
    """Body of POST /scale."""

    model_config = ConfigDict(extra="forbid")
    replicas: int
    pool_size: int | None = None
    cache_seconds: int | None = None


class NewKey(BaseModel):
    """Body of POST /keys. `signer`: only while that key signs."""

    model_config = ConfigDict(extra="forbid")
    secret: str
    signer: str = ""


class RetireKeys(BaseModel):
    """Body of POST /keys/retire."""

    model_config = ConfigDict(extra="forbid")
    secret: str


class Parts:
    """What the routes work on."""

    def __init__(self, control: Control, monitor: Monitor, components: Components, book: Logbook, token: str) -> None:
        self.control = control
        self.monitor = monitor
        self.components = components
        self.book = book
        self.token = token


def parts_of(request: Request) -> Parts:
    """The application's parts."""
    parts: Parts = request.app.state.parts
    return parts


def with_token(request: Request) -> Control:
    """The control, for a request that carries the token."""
    parts = parts_of(request)
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), parts.token.encode()):
        raise Unauthorized(
            "a change needs the token", "send `Authorization: Bearer TOKEN` with the token of the ready file"
        )
    return parts.control


Known = Annotated[Parts, Depends(parts_of)]
Trusted = Annotated[Control, Depends(with_token)]


@router.get("/releases")
async def releases(parts: Known) -> list[dict[str, Any]]:
    """Every release, oldest first."""
    return [_release(parts.control, release) for release in parts.control.ledger.releases]


@router.post("/releases", status_code=201)
async def register(control: Trusted, body: NewRelease) -> dict[str, Any]:
    """Register a release."""
    return _release(control, await control.register(body.id, body.note, body.env))


@router.get("/deployments")
async def deployments(parts: Known) -> list[Deployment]:
    """What was deployed and rolled back, oldest first."""
    return list(parts.control.ledger.deployments)


@router.post("/deployments", status_code=201)
async def deploy(control: Trusted, body: Deploy) -> Deployment:
    """Deploy a release; answers once it runs."""
    return await control.deploy(body.release)


@router.post("/rollback", status_code=201)
async def rollback(control: Trusted, body: Rollback | None = None) -> Deployment:
    """Go back to the previous or a named release; answers once it runs."""
    return await control.rollback(body.to if body else None)


@router.post("/restart")
async def restart(parts: Known, control: Trusted, body: Restart | None = None) -> dict[str, Any]:
    """Replace every replica, or restart (if it is stopped, start) a server beside them; answers once it serves."""
    component = body.component if body else "service"
    if component == "service":
        await control.restart()
    else:
        await parts.components.named(component).restart()
    return {**_replicas(control), "components": parts.components.describe()}


@router.post("/components/{name}/stop")
async def stop_component(parts: Known, _control: Trusted, name: str) -> dict[str, Any]:
    """Stop postgres or redis on purpose: it stays down until it is started or restarted."""
    await parts.components.named(name).stop()
    return {"components": parts.components.describe()}


@router.post("/components/{name}/start")
async def start_component(parts: Known, _control: Trusted, name: str) -> dict[str, Any]:
    """Start postgres or redis unless it runs; answers once it serves."""
    await parts.components.named(name).start()
    return {"components": parts.components.describe()}


@router.post("/scale")
async def scale(control: Trusted, body: Scale) -> dict[str, Any]:
    """Run more or fewer replicas, or of other sizes."""
    await control.scale(body.replicas, body.model_dump(exclude={"replicas"}))
    return _replicas(control)


@router.get("/keys")
async def keys(parts: Known) -> dict[str, Any]:
    """The key rings: ids, what each key is for, how many profiles it has sealed. No values."""
    return await parts.control.secrets.told()


@router.post("/keys", status_code=201)
async def add_key(control: Trusted, body: NewKey) -> dict[str, Any]:
    """A new key signs and those before it verify; answers once every replica knows it."""
    await control.add_key(body.secret, body.signer)
    return await control.secrets.told()


@router.post("/keys/retire")
async def retire_keys(control: Trusted, body: RetireKeys) -> dict[str, Any]:
    """The keys that were replaced are off; answers once no replica knows them."""
    await control.retire_keys(body.secret)
    return await control.secrets.told()


@router.get("/logs")
async def search_logs(
    parts: Known,
    since: str | None = None,
    until: str | None = None,
    replica: str | None = None,
    grep: str = "",
    level: str | None = None,
    user: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LINES)] = 200,
) -> list[dict[str, Any]]:
    """The newest lines that match, oldest first."""
    start, end = (logs.parse_since(text, datetime.now(UTC)) if text else None for text in (since, until))
    found = await parts.book.find(logs.Query(start, grep, level, user, limit, end, replica))
    return [line.to_json() for line in found]


@router.get("/health")
async def health(parts: Known) -> JSONResponse:
    """200 while the database runs and at least one replica serves."""
    database, ready = parts.components.postgres.running, parts.control.fleet.ready
    sound = database and ready > 0
    body = {"status": "ok" if sound else "degraded", "database": "up" if database else "down", "replicas": ready}
    return JSONResponse(body, 200 if sound else 503)


@router.get("/status")
async def status(parts: Known) -> dict[str, Any]:
    """The replicas, the release that runs, whether a change is being made, and the servers beside the service."""
    postgres = parts.components.postgres
    return {
        **_replicas(parts.control),
        "release": parts.control.ledger.current,
        "previous": parts.control.ledger.previous,
        "busy": parts.control.busy,
        "crashes": parts.control.fleet.crashes,
        "database": {
            "pid": postgres.pid,
            "running": postgres.running,
            "crashes": postgres.crashes,
        },
        "components": parts.components.describe(),
    }


@router.get("/metrics")
async def metrics(parts: Known) -> PlainTextResponse:
    """The platform's own metrics and the sum of the replicas'."""
    return PlainTextResponse(await parts.monitor.exposition(), media_type=METRICS_TYPE)


def create_app(parts: Parts) -> FastAPI:
    """The application."""
    app = FastAPI(title="RoleRabbit platform")
    app.state.parts = parts
    app.include_router(router)
    ecs.add_to(app, ecs.Service(parts.control, parts.book, parts.token))
    vercel.add_to(app, vercel.Door(parts.control, parts.book, parts.token, parts.control.secrets))
    railway.add_to(app, _yard(parts))
    app.add_exception_handler(PlatformError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _no_route)
    return app


def _yard(parts: Parts) -> railway.Yard:
    control = parts.control
    return railway.Yard(control, parts.book, parts.token, lambda: control.fleet.ready > 0, control.secrets)


def _release(control: Control, release: Release) -> dict[str, Any]:
    return {
        "id": release.id,
        "created_at": release.created_at,
        "deployed_at": control.ledger.deployed_at(release.id),
        "status": control.ledger.standing(release.id),
        "note": release.note,
        "env": release.env_summary(),
    }


def _replicas(control: Control) -> dict[str, Any]:
    return {"replicas": control.fleet.describe(), **control.sizes.as_dict()}


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    known = error if isinstance(error, PlatformError) else PlatformError(str(error), "see the platform's output")
    return _error(known.status, known.error, known.what_to_do)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    places = (f"{'.'.join(str(part) for part in p['loc'][1:]) or 'body'}: {p['msg']}" for p in problems)
    return _error(400, "; ".join(places) or "the request can't be read", "see /docs for what is expected")


async def _no_route(_request: Request, error: Exception) -> JSONResponse:
    status_code = error.status_code if isinstance(error, HTTPException) else 500
    return _error(status_code, str(getattr(error, "detail", error)), "see /docs for the paths and methods")


def _error(status_code: int, error: str, what_to_do: str) -> JSONResponse:
    return JSONResponse({"error": error, "what_to_do": what_to_do}, status_code)
