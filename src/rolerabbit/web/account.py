"""What belongs to an account as a whole: its export."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from rolerabbit import exports, trail
from rolerabbit.web.access import refuse, user_visit
from rolerabbit.web.limits import allow

router = APIRouter(prefix="/api/account", tags=["account"])


@router.get("/export")
async def export(request: Request) -> Response:
    """Everything that is kept about the caller, as JSON; noted as `data.exported` with its size."""
    async with user_visit(request) as (found, user):
        await allow(request, "export", str(user.id))
        if not user.may("export"):
            await refuse(request, found, user, "export restricted", "exports of this account are restricted for now")
        async with found.connection.transaction():
            await found.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            whole = await exports.collect(found.connection, user.id)
            await trail.audit(found.connection, user.id, "data.exported", found.ip, whole.details)
    return Response(whole.body, media_type="application/json")
