"""Where other tools send their alerts: ``/api/v1/ingest/SOURCE``, and PagerDuty's own ``/v2/enqueue``."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from hutch.commands import ingest
from hutch.commands.inbox import COME_AGAIN, Crowded, Inbox
from hutch.detection.ingest import PayloadError
from hutch.ports import StoreAway, StoreFull

router = APIRouter()

MOST_BYTES = 4 * 1024 * 1024
"""The longest body that is read."""

PAGERDUTY_BYTES = 512 * 1024
"""PagerDuty's own limit."""

AGAIN = {"Retry-After": str(COME_AGAIN)}


def inbox_of(request: Request) -> Inbox:
    """The inbox of the application that answers."""
    found: Inbox = request.app.state.inbox
    return found


@router.post("/api/v1/ingest/{source}", status_code=202, response_model=None)
async def take_in(request: Request, source: str) -> Response:
    """Take in what ``source`` sends. 202 means that every alert of it is durable.

    400: it cannot be read (kept as a dead letter). 401: not proved. 413: too long. 429: come again. 507: the store is
    full.
    """
    body, refused = await body_of(request, MOST_BYTES)
    if refused:
        return refused
    try:
        taken = await _take(request, source, body)
    except PayloadError as error:
        return JSONResponse({"error": f"{source}: {error}"}, 400)
    except ingest.Unproved as error:
        return JSONResponse({"error": str(error)}, 401, {"WWW-Authenticate": "Bearer"})
    except Crowded as error:
        return JSONResponse({"error": str(error)}, 429, AGAIN)
    return JSONResponse(taken.as_json(), 202)


@router.post("/v2/enqueue", status_code=202, response_model=None)
async def enqueue(request: Request) -> Response:
    """PagerDuty Events v2: trigger, acknowledge, resolve. Answers as theirs does."""
    body, refused = await body_of(request, PAGERDUTY_BYTES)
    if refused:
        return _invalid(f"the event is larger than {PAGERDUTY_BYTES // 1024} kB", 413)
    try:
        taken = await _take(request, "pagerduty", body)
    except PayloadError as error:
        return _invalid(str(error))
    except ingest.Unproved:
        return _invalid("'routing_key' is invalid")
    except (Crowded, StoreFull, StoreAway) as error:
        said = {"status": "throttle exceeded", "message": "Requests are being sent too quickly"}
        return JSONResponse({**said, "errors": [str(error)]}, 429, AGAIN)
    return JSONResponse({"status": "success", "message": "Event processed", "dedup_key": taken.key}, 202)


def _invalid(error: str, status: int = 400) -> Response:
    return JSONResponse({"status": "invalid event", "message": "Event object is invalid", "errors": [error]}, status)


async def _take(request: Request, kind: str, body: bytes) -> ingest.Taken:
    context = request.app.state.context
    headers = {name.lower(): value for name, value in request.headers.items()}
    source = ingest.prove(context, kind, headers, body, open_house=request.app.state.open_house)
    return await ingest.take(context, inbox_of(request), source, headers, body)


async def body_of(request: Request, most: int) -> tuple[bytes, Response | None]:
    """The body, or the answer to one that is too long: reading stops there."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > most:
        return b"", _too_long(most)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            return b"", _too_long(most)
    return bytes(body), None


def _too_long(most: int) -> Response:
    said: dict[str, Any] = {"error": f"the body is longer than {most // 1024} kB"}
    return JSONResponse(said, 413)
