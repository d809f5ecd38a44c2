"""One real Postgres for the session, a fresh migrated database for each test, and replicas on free ports."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol

import aiohttp
import psycopg
import pytest

from rolerabbit import database
from rolerabbit.config import Settings
from rolerabbit.embedded import Postgres, Valkey
from rolerabbit.migrate import bundled
from rolerabbit.serve import server_for

_NUMBERS = count(1)
PASSWORD = "a long password"


@dataclass(frozen=True)
class Answer:
    """One answer, read to its end."""

    status: int
    headers: Any
    text: str
    json: Any


@dataclass(frozen=True)
class Replica:
    """A replica that runs in the test's own loop."""

    url: str
    session: aiohttp.ClientSession

    async def ask(self, method: str, path: str, *, token: str = "", headers: Any = None, **more: Any) -> Answer:
        """One request; the answer's JSON is None where it has none."""
        sent = {**(headers or {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        async with self.session.request(method, self.url + path, headers=sent, **more) as response:
            text = await response.text()
            is_json = response.content_type == "application/json" and bool(text)
            return Answer(response.status, response.headers, text, await response.json() if is_json else None)

    async def new_user(self, email: str) -> str:
        """Register and log in; the token."""
        body = {"email": email, "password": PASSWORD}
        assert (await self.ask("POST", "/api/auth/register", json=body)).status == 201
        token: str = (await self.ask("POST", "/api/auth/login", json=body)).json["token"]
        return token

    async def new_portfolio(self, token: str, subdomain: str, **more: Any) -> Any:
        """A portfolio as it was answered."""
        body = {"title": "Work", "subdomain": subdomain, **more}
        answer = await self.ask("POST", "/api/portfolios", token=token, json=body)
        assert answer.status == 201, answer.text
        return answer.json


class StartReplica(Protocol):
    def __call__(self, url: str, **settings: Any) -> contextlib.AbstractAsyncContextManager[Replica]: ...


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with Postgres.temporary(max_connections=40) as server:
        yield server


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    with Valkey.temporary(maxmemory="8mb", password="s3cret", **{"maxmemory-policy": "noeviction"}) as server:
        yield server


@pytest.fixture
def empty_database(postgres: Postgres) -> str:
    return postgres.createdb(f"rr_test_{next(_NUMBERS)}")


@pytest.fixture
def database_url(empty_database: str) -> str:
    database.up(empty_database, bundled())
    return empty_database


@pytest.fixture
def rows(database_url: str) -> Callable[..., list[tuple[Any, ...]]]:
    """Runs one query on the test's database."""

    def query(text: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(database_url, autocommit=True) as connection:
            cursor = connection.execute(text.encode(), values)
            return cursor.fetchall() if cursor.description else []

    return query


@pytest.fixture
def start_replica() -> StartReplica:
    return _replica


@pytest.fixture
async def replica(database_url: str) -> AsyncIterator[Replica]:
    async with _replica(database_url) as running:
        yield running


@contextlib.asynccontextmanager
async def _replica(url: str, **settings: Any) -> AsyncIterator[Replica]:
    sock = socket.create_server(("127.0.0.1", 0))
    server = server_for(Settings(url, **settings))
    task = asyncio.create_task(server.serve(sockets=[sock]))
    address = f"http://127.0.0.1:{sock.getsockname()[1]}"
    try:
        async with asyncio.timeout(10):
            while not server.started:
                await asyncio.sleep(0.01)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as session:
            yield Replica(address, session)
    finally:
        server.should_exit = True
        await task
