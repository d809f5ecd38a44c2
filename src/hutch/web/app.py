"""The application: pages, forms, live feed and JSON API of one context."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import JSONResponse, Response

from hutch import __version__
from hutch.commands import statuspage
from hutch.commands.context import CommandError, Context
from hutch.commands.inbox import Inbox
from hutch.ports import StoreAway, StoreFull
from hutch.web import (
    account,
    accounts,
    api,
    console,
    entrance,
    erasing,
    evidence,
    forms,
    ingest,
    links,
    metrics,
    openid,
    pagerduty,
    pages,
    people_api,
    record_api,
    run_forms,
    runbooks,
    signals,
    status,
    visitors,
)
from hutch.web.circles import Circles
from hutch.web.doors import find
from hutch.web.gate import Entry, Gate, asking, person_of
from hutch.web.guard import JSON_BYTES, Guard, Refused
from hutch.web.live import Hub
from hutch.web.notices import Notice
from hutch.web.ran import Runs
from hutch.web.shelf import Shelf
from hutch.web.site import Site, following, site_of
from hutch.web.stopped import Looking, Stopped
from hutch.web.uploads import Uploads

LOCAL_HOSTS = ["127.0.0.1", "localhost", "[::1]", "::1"]
"""The names under which the server answers; any other is a page that was tricked into asking us."""

HTTP_TEXTS = {404: "There is no such page.", 413: f"the body is longer than {JSON_BYTES // 1024} kB; nothing was done"}
"""What is said where the framework has a word of its own."""

STATUS = {1: 409, 2: 404, 3: 422, 4: 202, 5: 502}
"""HTTP status by the exit code of a command's error."""


def build_ingest(context: Context) -> FastAPI:
    """Only what other tools send to, for a listener that is reached from elsewhere: every source proves itself.

    Raises :class:`CommandError` where one could not, or none is configured.
    """
    loose = [s.name or s.kind for s in context.config.ingest if not s.proves]
    notify = context.config.notify
    if loose or not (context.config.ingest or notify.address or notify.pagerduty_secret):
        what = f"{', '.join(loose)} has neither token nor secret" if loose else "no source is configured"
        raise CommandError(f"ingest: {what}; beyond loopback each needs one: see ingest in hutch.yaml", 2)
    app = FastAPI(title="Hutch ingest", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.context, app.state.inbox, app.state.open_house = context, Inbox(context), False
    app.include_router(ingest.router)
    app.include_router(links.router)
    app.include_router(pagerduty.router)
    app.add_middleware(Guard)
    for kind, answer in ANSWERS.items():
        app.add_exception_handler(kind, answer)
    return app


def build_status(context: Context) -> FastAPI:
    """The public page alone, for a listener that anybody may reach. Raises :class:`CommandError` where none is
    configured."""
    statuspage.config_of(context)
    app = FastAPI(title="Status", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.context, app.state.public = context, status.Public(context, live=True)
    app.include_router(visitors.router)
    app.include_router(status.router)
    app.add_middleware(Guard, open_forms=True)
    for kind, answer in {**ANSWERS, CommandError: visitors.refused}.items():
        app.add_exception_handler(kind, answer)
    return app


def build(context: Context) -> FastAPI:
    """The application over one context. ``app.state.site.hub.close()`` lets the live pages go."""
    app = FastAPI(title="Hutch", version=__version__, docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json")
    app.state.context = context
    circles, stopped = Circles(context.store), Stopped(context)
    hub = Hub(context.store, context.clock, context.home, circles.catch_up)
    app.state.site = Site(context, hub, Shelf(context), stopped, Runs(context.store), circles)
    app.state.entry = Entry(context, circles)
    app.state.inbox, app.state.open_house = Inbox(context), not context.config.access.always
    app.state.public, app.state.uploads = status.Public(context), Uploads.of(context)
    app.include_router(ingest.router)  # the first, since routes are tried in order, and nothing is asked for as often
    app.include_router(entrance.router)
    app.include_router(openid.router)
    app.include_router(account.router)
    app.include_router(accounts.router)
    app.include_router(api.router)
    app.include_router(people_api.router)
    app.include_router(record_api.router)
    app.include_router(evidence.api)
    app.include_router(evidence.router)
    app.include_router(erasing.api)
    app.include_router(erasing.router)
    app.include_router(links.router)
    app.include_router(pagerduty.router)
    app.include_router(pages.router)
    app.include_router(pages.live, dependencies=[Depends(following)])
    app.include_router(signals.router)
    app.include_router(metrics.router)
    app.include_router(runbooks.router)
    app.include_router(forms.router)
    app.include_router(run_forms.router)
    app.include_router(status.console)
    app.include_router(console.router)
    url = context.config.access.url
    app.add_middleware(Gate, entry=app.state.entry, say=partial(_to, app))
    app.add_middleware(
        TrustedHostMiddleware, allowed_hosts=[*LOCAL_HOSTS, *([urlsplit(url).hostname or ""] if url else [])]
    )
    app.add_middleware(Looking, stopped=stopped)
    app.add_middleware(Guard, url=url)
    for kind, answer in ANSWERS.items():
        app.add_exception_handler(kind, answer)
    return app


def _say(request: Request, text: str, status: int) -> Response:
    """To a client of the API as JSON, to a person as a page."""
    if request.url.path.startswith(("/api/", "/v2/")) or not hasattr(request.app.state, "site"):
        return JSONResponse({"error": text}, status)
    return site_of(request).draw(request, "error", status=status, streams="", notice=Notice(text, False))


def _to(app: FastAPI, request: Request, text: str, status: int) -> Response:
    """The same before the application was reached."""
    request.scope["app"] = app
    return _say(request, text, status)


async def _refused(request: Request, error: Exception) -> Response:
    code = error.code if isinstance(error, CommandError) else 1
    return _say(request, str(error), STATUS.get(code, 409))


async def _full(request: Request, error: Exception) -> Response:
    return _say(request, str(error), 507)


async def _away(request: Request, error: Exception) -> Response:
    return _say(request, str(error), 503)


async def _not_ours(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, Refused) else 403
    entry: Entry | None = getattr(request.app.state, "entry", None)
    if status == 403 and entry and person_of(request).proved:  # past the gate: by what was asked for, or by its form
        with suppress(StoreAway, StoreFull):
            found = find(request.method, request.scope["path"])
            await entry.refused(asking(request), found.route if found else request.scope["path"])
    return _say(request, str(error), status)


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _say(request, HTTP_TEXTS.get(status) or str(getattr(error, "detail", error)), status)


async def _invalid(request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    said = "; ".join(f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in found)
    return _say(request, said, 422)


ANSWERS: Mapping[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    CommandError: _refused,
    StoreFull: _full,
    StoreAway: _away,
    Refused: _not_ours,
    HTTPException: _http,
    RequestValidationError: _invalid,
}
"""What is said of each error that a command or the framework raises."""
