"""The console's pages and forms beyond watching and approving, as one router."""

from __future__ import annotations

from fastapi import APIRouter

from hutch.web import alerts, finding, oncall, records, reports, reviewing, room, subscribing, todo, updating

router = APIRouter(include_in_schema=False)
for part in (room, updating, finding, alerts, oncall, reviewing, todo, reports, records, subscribing):
    router.include_router(part.router)
