"""`rolerabbit platform run`: brings everything up, writes the ready file, and takes everything down again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn

from rolerabbit.embedded import EmbeddedError, Postgres, Valkey
from rolerabbit.platform import cache, database
from rolerabbit.platform.api import Parts, create_app
from rolerabbit.platform.components import Component, Components
from rolerabbit.platform.control import Control, now, write_private
from rolerabbit.platform.ecs import view as ecs
from rolerabbit.platform.errors import PlatformError
from rolerabbit.platform.fetch import get
from rolerabbit.platform.fleet import Fleet
from rolerabbit.platform.handed import Handed
from rolerabbit.platform.listener import HOST, Listener, bound
from rolerabbit.platform.logbook import Logbook
from rolerabbit.platform.monitor import Monitor
from rolerabbit.platform.railway import view as railway
from rolerabbit.platform.rotation import Secrets
from rolerabbit.platform.settings import Settings
from rolerabbit.platform.sizes import Sizes
from rolerabbit.platform.supabase import api as supabase
from rolerabbit.platform.vercel import view as vercel

HEALTH_SECONDS = 15.0
TRUSTED_PROXIES = f"{HOST}/32"
"""Whoever is on this machine stands for the load balancer: visitors' addresses arrive by X-Forwarded-For."""
POLL_SECONDS = 0.1
API_STOP_SECONDS = 1
Work = Coroutine[Any, Any, None]


class _Api(uvicorn.Server):
    """Leaves the signals to us: they end the replicas and the database too."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Failed(RuntimeError):
    """The platform could not start; the text says why."""


async def run(settings: Settings, exit_on_eof: bool = False) -> None:
    """Run until SIGTERM, SIGINT or (if asked for) the end of standard input. Failed when it can't start."""
    asked_to_stop = _stop_event(exit_on_eof)
    settings.data.mkdir(mode=0o755, parents=True, exist_ok=True)
    listener = Listener(settings.app_port)
    try:
        api_socket = bound(settings.port)
        listener.open()
    except EmbeddedError as error:
        raise Failed(str(error)) from error
    with contextlib.closing(api_socket):
        up = asyncio.create_task(_serve(settings, listener, api_socket, asked_to_stop))
        try:
            await up
        except (EmbeddedError, PlatformError) as error:
            raise Failed(str(error)) from error
        finally:
            listener.close()
            settings.ready_file.unlink(missing_ok=True)


async def _serve(
    settings: Settings, listener: Listener, api_socket: socket.socket, asked_to_stop: asyncio.Event
) -> None:
    async with _servers(settings) as servers:
        if asked_to_stop.is_set():
            return
        logbook = Logbook(settings.data / "logs")
        fleet = Fleet(listener, logbook, settings.ready_within)
        control = Control(
            fleet,
            settings.data / "releases.json",
            _base_environment(servers),
            settings.replicas,
            Sizes(settings.first_pool_size),
            Secrets(settings.data / "keys.json", servers.addresses.owner, now, write_private),
            Handed(settings.secrets, settings.secrets_endpoint),
        )
        monitor = Monitor(control, servers.components, settings.data)
        parts = Parts(control, monitor, servers.components, logbook, secrets.token_hex(24))
        rest = supabase.Rest(servers.addresses.rest, parts.token)
        app = create_app(parts)
        supabase.add_to(app, rest)
        api = _Api(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=API_STOP_SECONDS))
        async with _background(api.serve(sockets=[api_socket]), monitor.run()):
            try:
                if await _unless(asked_to_stop, _first_release(control, settings, listener)):
                    _announce(settings, servers, listener.port, api_socket, parts.token)
                    await asked_to_stop.wait()
            finally:
                api.should_exit = True
                await fleet.stop()
                rest.close()


@dataclass(frozen=True, slots=True)
class _Servers:
    postgres: Postgres
    redis: Valkey
    components: Components
    addresses: database.Addresses


@contextlib.asynccontextmanager
async def _servers(settings: Settings) -> AsyncIterator[_Servers]:
    postgres, redis = database.server(settings), cache.server(settings)
    components = Components(Component("postgres", postgres), Component("redis", redis))
    try:
        await components.redis.start()
        yield _Servers(postgres, redis, components, await asyncio.to_thread(database.provide, postgres))
    finally:
        await asyncio.gather(*(component.stop() for component in components))


@contextlib.asynccontextmanager
async def _background(serving: Work, watching: Work) -> AsyncIterator[None]:
    api = asyncio.create_task(serving)
    monitor = asyncio.create_task(watching)
    try:
        yield
    finally:
        monitor.cancel()
        await asyncio.wait([api, monitor], timeout=API_STOP_SECONDS + 2)


async def _first_release(control: Control, settings: Settings, listener: Listener) -> None:
    """Run what ran last, or register and deploy the first release; until the service says that it is well."""
    if control.ledger.current is not None:
        await control.restart()
    else:
        await control.register(settings.release, "first release", {})
        await control.deploy(settings.release)
    said = "no answer"
    deadline = asyncio.get_running_loop().time() + HEALTH_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        with contextlib.suppress(OSError):
            status, said = await get(listener.port, "/api/health", 2.0)
            if status == 200:
                return
        await asyncio.sleep(POLL_SECONDS)
    raise PlatformError(f"the service is not healthy: {said.strip()}", f"see the logs in {settings.data / 'logs'}")


def _base_environment(servers: _Servers) -> dict[str, str]:
    """What every release gets, and may override."""
    return {
        "DATABASE_URL": servers.addresses.app,
        "REDIS_URL": servers.redis.url,
        "TRUSTED_PROXIES": TRUSTED_PROXIES,
    }


def _announce(settings: Settings, servers: _Servers, app_port: int, api_socket: socket.socket, token: str) -> None:
    addresses, port = servers.addresses, api_socket.getsockname()[1]
    ready = {
        "pid": os.getpid(),
        "api_url": f"http://{HOST}:{port}",
        "app_url": f"http://{HOST}:{app_port}",
        "token": token,
        "database_url": addresses.superuser,
        "owner_url": addresses.owner,
        "app_database_url": addresses.app,
        "reader_url": addresses.reader,
        "operator_url": addresses.operator,
        "rest_url": addresses.rest,
        "redis_url": servers.redis.url,
        "data_dir": str(settings.data.absolute()),
        "postgres_data_dir": str(servers.postgres.data_dir),
        "migrations_dir": str(settings.data.absolute() / "migrations"),
        **_hosted(f"http://{HOST}:{port}"),
    }
    (settings.data / "migrations").mkdir(mode=0o755, exist_ok=True)
    settings.ready_file.parent.mkdir(parents=True, exist_ok=True)
    write_private(settings.ready_file, json.dumps(ready, indent=2) + "\n")
    print(f"service  {ready['app_url']}\nplatform {ready['api_url']}\nready    {settings.ready_file}", flush=True)


def _hosted(url: str) -> dict[str, dict[str, str]]:
    """Under which names each hosted platform's API knows the service."""
    place = {"project": railway.PROJECT, "environment": railway.ENVIRONMENT, "service": railway.SERVICE}
    return {
        "ecs": {"region": ecs.REGION, "cluster": ecs.CLUSTER, "service": ecs.SERVICE, "endpoint": url},
        "vercel": {"project": vercel.PROJECT, "url": url, "logs_url": url},
        "railway": {**place, "url": f"{url}/graphql/v2"},
        "supabase": {"project": supabase.PROJECT, "url": url},
    }


async def _unless(stop: asyncio.Event, work: Work) -> bool:
    """Do the work, but drop it when we are asked to stop. True if it was done."""
    working = asyncio.create_task(work)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
        await asyncio.wait([working])
        return False
    await working
    return True


def _stop_event(exit_on_eof: bool) -> asyncio.Event:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)

    def on_input() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            loop.remove_reader(sys.stdin.fileno())
            stop.set()

    if exit_on_eof:
        loop.add_reader(sys.stdin.fileno(), on_input)
    return stop
