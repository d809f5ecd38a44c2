"""What the platform and the on-call engineer ask: health and metrics."""

from __future__ import annotations

import asyncio
from typing import Final

import psycopg
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from psycopg_pool import PoolTimeout, TooManyRequests

from rolerabbit.web.access import Pool, parts_of

router = APIRouter(tags=["operations"])

HEALTH_TIMEOUT_S: Final = 1.8
"""An unhealthy answer is given within 2 s; what is left is for the way back."""


@router.api_route("/api/health", methods=["GET", "HEAD"])
async def health(request: Request) -> JSONResponse:
    """200 `{"status":"ok"}`; 200 `degraded` naming the cache, without which it works; 503 naming the database."""
    parts = parts_of(request)
    failure = await _database_failure(parts.pool)
    if failure is None:
        degraded = parts.remote.configured and await parts.remote.probe()
        return JSONResponse({"status": "degraded", "failing": "cache"} if degraded else {"status": "ok"})
    request.state.failure = f"database: {failure}"
    return JSONResponse({"status": "error", "failing": "database"}, 503)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Prometheus text of this replica alone."""
    return Response(generate_latest(parts_of(request).metrics.registry), media_type=CONTENT_TYPE_LATEST)


async def _database_failure(pool: Pool) -> str | None:
    try:
        async with asyncio.timeout(HEALTH_TIMEOUT_S), pool.connection(timeout=HEALTH_TIMEOUT_S - 0.2) as connection:
            await connection.execute("SELECT 1")
    except (psycopg.Error, PoolTimeout, TooManyRequests, TimeoutError) as error:
        return f"{type(error).__name__}: {error}".strip()
    return None
