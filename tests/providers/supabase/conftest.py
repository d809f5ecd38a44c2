"""RoleRabbit's REST address over an embedded Postgres whose views are closed as Supabase's are."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import uvicorn
from fastapi import FastAPI, Request, Response

from hutch.ports import Connection, TargetConfig
from hutch.providers.supabase import provider
from rolerabbit.embedded.postgres import Postgres
from rolerabbit.platform.supabase.api import PROJECT, Rest, add_to

KEY = "sb_publishable_0451"
ROLES = """
create schema extensions;
create extension pg_stat_statements schema extensions;
create role rest login password 'rest-word-0451';
create role watcher login password 'watcher-word-0451';
create role app login password 'app-word-0451';
create table portfolios (id int primary key, title text);
create table secrets (id int primary key);
grant select on portfolios to rest;
"""


@dataclass
class World:
    """The server, its REST address, and ``answers`` that the gateway gives instead of the next ones."""

    postgres: Postgres
    address: str = ""
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)

    def url(self, role: str) -> str:
        return self.postgres.url_for("postgres", role, f"{role}-word-0451")

    def sql(self, text: str) -> list[Any]:
        """As the superuser."""
        options = "-c default_transaction_read_only=off"
        with psycopg.connect(self.postgres.url, autocommit=True, options=options) as admin:
            done = admin.execute(text.encode())
            return done.fetchall() if done.description else []


@pytest.fixture(scope="module")
def served() -> Iterator[World]:
    with Postgres.temporary(max_connections=20) as postgres:
        world = World(postgres)
        world.sql(ROLES)
        rest = Rest(world.url("rest"), KEY)
        with _gateway(world, rest) as world.address:
            yield world
        rest.close()


@pytest.fixture
def world(served: World) -> World:
    served.answers.clear()
    served.asked.clear()
    return served


@contextmanager
def _gateway(world: World, rest: Rest) -> Iterator[str]:
    app = FastAPI()
    add_to(app, rest)

    @app.middleware("http")
    async def before(request: Request, go_on: Any) -> Response:
        world.asked.append({**request.headers, "query": str(request.url.query)})
        if not world.answers:
            return await go_on(request)  # type: ignore[no-any-return]
        status, body = world.answers.pop(0)
        return Response(body, status, {"Retry-After": "3600"} if status == 429 else {})

    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until = time.monotonic() + 20
    while not server.started and thread.is_alive() and time.monotonic() < until:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


Opened = Callable[..., AbstractAsyncContextManager[Connection]]


@pytest.fixture
def target(world: World) -> Opened:
    """Opens the provider with the closed login ``watcher``; keywords are settings."""

    @asynccontextmanager
    async def opened(**settings: object) -> AsyncIterator[Connection]:
        given = {"project": PROJECT, "key": KEY, "url": world.address, "database_url": world.url("watcher")}
        chosen = {**given, "change_url": world.url("app"), "timeout": 5.0, "reloaded": 2.0, **settings}
        connection = provider.open(TargetConfig("web", chosen, lambda: datetime.now(UTC)))
        try:
            yield connection
        finally:
            await connection.close()

    return opened
