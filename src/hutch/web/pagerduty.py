"""Where PagerDuty's v3 webhooks come in: ``/api/v1/pagerduty``. Each must be signed with the configured secret."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from hutch.commands import pagerduty
from hutch.web.ingest import PAGERDUTY_BYTES, body_of

router = APIRouter()


@router.post("/api/v1/pagerduty", status_code=202, response_model=None)
async def heard(request: Request) -> Response:
    """An acknowledgement, a resolution, a note or a new assignee there. 401: not signed with our secret. 400: no
    event that can be read."""
    body, refused = await body_of(request, PAGERDUTY_BYTES)
    if refused:
        return refused
    context = request.app.state.context
    try:
        pagerduty.prove(context, request.headers.get("x-pagerduty-signature", ""), body)
        return JSONResponse({"result": await pagerduty.hear(context, body)}, 202)
    except pagerduty.Unproved as error:
        return JSONResponse({"error": str(error)}, 401)
    except ValueError as error:
        return JSONResponse({"error": f"not an event that can be read: {error}"}, 400)
