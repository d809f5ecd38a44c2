"""What only admins may do."""

from __future__ import annotations

from fastapi import APIRouter, Request

from rolerabbit import portfolios, trail
from rolerabbit.web.access import refuse, user_visit
from rolerabbit.web.portfolios import Limit, Offset, PortfolioOut

router = APIRouter(prefix="/api/admin", tags=["admin"])


@router.get("/portfolios")
async def all_portfolios(request: Request, limit: Limit = 20, offset: Offset = 0) -> list[PortfolioOut]:
    """Everybody's, latest first; noted as `data.accessed` with how many were seen. 403 for members."""
    async with user_visit(request) as (found, user):
        if not user.is_admin:
            await refuse(request, found, user, "not an admin", "only admins may see this")
        rows = await portfolios.everybodys(found.connection, limit, offset)
        await trail.audit(found.connection, user.id, "data.accessed", found.ip, {"records": len(rows)})
    return [PortfolioOut.model_validate(row) for row in rows]
