"""The console's pages and forms beyond watching and approving, as one router."""

from __future__ import annotations

from fastapi import APIRouter

from hutch.web import (
    alerts,
    breach,
    breach_after,
    finding,
    oncall,
    records,
    reports,
    reviewing,
    room,
    subscribing,
    todo,
    updating,
)

router = APIRouter(include_in_schema=False)
for part in (room, updating, finding, alerts, oncall, reviewing, todo, reports, records, subscribing, breach):
    router.include_router(part.router)
router.include_router(breach_after.router)
