"""``GET /rest/v1/``: the tables that one restricted login may read, as PostgREST behind Supabase's gateway tells them.

As PostgREST does, it keeps what it knows of the schema until ``NOTIFY pgrst, 'reload schema'`` asks it to look again.
"""

from __future__ import annotations

import asyncio
import hmac
import threading
from typing import Any

import psycopg
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

PROJECT = "rolerabbitrolerabbit"
CONNECT_SECONDS, STATEMENT_MS = 3, 3000
CHANNEL = "pgrst"
TABLES = """
select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v', 'm', 'p')
and has_table_privilege(oid, 'select') order by 1"""
NO_KEY = {
    "message": "No API key found in request",
    "hint": "No `apikey` request header or url param was found.",
}
WRONG_KEY = {"message": "Invalid API key", "hint": "Double check your Supabase `anon` or `service_role` API key."}
router = APIRouter(include_in_schema=False)


class Rest:
    """The login's one connection: it listens, and looks when it is told to. Its calls wait: use a thread."""

    def __init__(self, url: str, key: str) -> None:
        self.key = key
        self._url = url
        self._turn = threading.Lock()
        self._open: psycopg.Connection[Any] | None = None
        self._tables: list[str] | None = None

    def tables(self) -> list[str]:
        """What it serves. Raises :class:`psycopg.Error` where the database is not reached."""
        with self._turn:
            try:
                return self._known(self._connected())
            except psycopg.Error:
                self._drop()
            return self._known(self._connected())

    def close(self) -> None:
        """Let the connection go."""
        with self._turn:
            self._drop()

    def _known(self, connection: psycopg.Connection[Any]) -> list[str]:
        connection.execute("select 1")
        told = [note.payload for note in connection.notifies(timeout=0)]
        if self._tables is None or "reload schema" in told:
            self._tables = [row[0] for row in connection.execute(TABLES)]
        return self._tables

    def _connected(self) -> psycopg.Connection[Any]:
        if self._open is None:
            options = f"-c statement_timeout={STATEMENT_MS}"
            self._open = psycopg.connect(
                self._url, autocommit=True, connect_timeout=CONNECT_SECONDS, options=options, application_name="rest"
            )
            self._open.execute(f"listen {CHANNEL}")
            self._tables = None
        return self._open

    def _drop(self) -> None:
        connection, self._open = self._open, None
        if connection is not None:
            connection.close()


@router.get("/rest/v1/")
async def answer(request: Request) -> JSONResponse:
    """The API's description; without the key what the gateway says, without the database what PostgREST says."""
    rest: Rest = request.app.state.supabase
    given = request.headers.get("apikey", "")
    if not hmac.compare_digest(given.encode(), rest.key.encode()):
        return JSONResponse(WRONG_KEY if given else NO_KEY, 401)
    try:
        tables = await asyncio.to_thread(rest.tables)
    except psycopg.Error:
        said = "Database connection error. Retrying the connection."
        return JSONResponse({"code": "PGRST000", "message": said, "details": None, "hint": None}, 503)
    paths: dict[str, Any] = {"/": {"get": {}}, **{f"/{name}": {"get": {}} for name in tables}}
    return JSONResponse({"swagger": "2.0", "info": {"title": "standard public schema"}, "paths": paths})


def add_to(app: FastAPI, rest: Rest) -> None:
    """Let the application answer this path too."""
    app.state.supabase = rest
    app.include_router(router)
