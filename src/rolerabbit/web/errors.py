"""How failures are answered: always JSON, never a traceback, 503 for what may pass by itself."""

from __future__ import annotations

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg_pool import PoolTimeout, TooManyRequests
from starlette.exceptions import HTTPException

from rolerabbit.web.access import parts_of


def add_handlers(app: FastAPI) -> None:
    """Register every handler of this module."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(PoolTimeout, _pool_exhausted)
    app.add_exception_handler(TooManyRequests, _pool_exhausted)
    app.add_exception_handler(psycopg.OperationalError, _database_unavailable)
    app.add_exception_handler(psycopg.DataError, _bad_data)
    app.add_exception_handler(Exception, _unhandled)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else "refused"
    return JSONResponse({"error": detail}, status, headers=getattr(error, "headers", None))


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    # What was sent is not repeated: it may be a password, or text that no answer can carry.
    found = error.errors() if isinstance(error, RequestValidationError) else []
    problems = [{"field": ".".join(str(p) for p in e["loc"]), "problem": e["msg"]} for e in found]
    return JSONResponse({"error": "the request is not valid", "problems": problems}, 422)


async def _bad_data(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({"error": "the request holds a value that can't be stored, such as a NUL character"}, 422)


async def _pool_exhausted(request: Request, error: Exception) -> JSONResponse:
    settings = parts_of(request).settings
    text = f"no database connection became free within {settings.pool_timeout:g} s (pool of {settings.pool_size})"
    return _unavailable(request, "database_pool", text, error)


async def _database_unavailable(request: Request, error: Exception) -> JSONResponse:
    return _unavailable(request, "database", "the database did not answer", error)


def _unavailable(request: Request, failing: str, text: str, error: Exception) -> JSONResponse:
    request.state.failure = f"{text}: {type(error).__name__}: {error}".strip()
    body = {"error": text, "failing": failing, "trace_id": request.state.trace_id}
    return JSONResponse(body, 503, headers={"Retry-After": "5"})


async def _unhandled(request: Request, _error: Exception) -> JSONResponse:
    trace_id = getattr(request.state, "trace_id", None)
    headers = {"X-Trace-Id": trace_id} if trace_id else None
    return JSONResponse({"error": "internal error", "trace_id": trace_id}, 500, headers=headers)
