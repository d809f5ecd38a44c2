"""Monitor, worker, pages and API of one context in one process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from hutch.commands.context import CommandError, Context
from hutch.commands.monitor import Monitor
from hutch.commands.probing import Prober
from hutch.commands.shares import Work, plain
from hutch.commands.warming import warm
from hutch.commands.worker import Worker
from hutch.model.duty import STATUS
from hutch.store.owner import marked
from hutch.web.app import build, build_ingest, build_status
from hutch.web.kept import Keeper

UNREAD = 30.0
"""Seconds after which a connection whose other end takes nothing of what waits for it is gone."""


def listen(port: int, host: str = "127.0.0.1") -> socket.socket:
    """A listening socket, on loopback by default. Raises :class:`CommandError` when it cannot be had."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio sets it only where the protocol is named
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # each connection has it from here; only Linux knows it
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNREAD * 1000))
    try:
        listener.bind((host, port))
        listener.listen(128)  # whoever hears of the address may come at once
    except OSError as error:
        listener.close()
        raise CommandError(
            f"port {port} on {host} cannot be had: {error.strerror}; choose another with --port"
        ) from error
    return listener


@asynccontextmanager
async def serving(
    context: Context,
    listener: socket.socket,
    intake: socket.socket | None = None,
    at_once: asyncio.Event | None = None,
    public: socket.socket | None = None,
) -> AsyncIterator[Monitor]:
    """Monitor, worker, pages and API, for as long as the block lasts. A part that dies ends the block.

    ``intake`` is a socket of its own for what other tools send; only that, so it may be reached from elsewhere.
    ``public`` is one for the status page and nothing else. At the
    end the worker lets the statements under way end, within its grace or until ``at_once``; after an error it does not.
    """
    stop, at_once = asyncio.Event(), at_once or asyncio.Event()
    monitor, worker = Monitor(context), Worker(context, watched=True)
    app = build(context)
    doors = [(app, listener), *_doors(context, intake, public)]
    servers = [(_server(one), place) for one, place in doors]
    marker = await asyncio.to_thread(marked, context.home)
    prober = Prober(context, context.config.location, shares=monitor.shares)
    monitor.shares.works |= _kept(context)
    parts = [
        asyncio.create_task(monitor.run(), name="monitor"),
        asyncio.create_task(worker.run(stop, at_once), name="worker"),
        asyncio.create_task(prober.run(), name="probes"),
        *(asyncio.create_task(server.serve(sockets=[place]), name="api") for server, place in servers),
        asyncio.create_task(warm(context), name="first look"),
    ]
    owner, in_order = asyncio.current_task(), False
    for part in parts:
        part.add_done_callback(lambda done: _died(done, owner))
    try:
        yield monitor
        in_order = True
    finally:
        if not in_order:
            at_once.set()
        app.state.site.hub.close()
        for server, _ in servers:
            server.should_exit = True
        for part in parts:
            if part.get_name() in ("monitor", "probes", "first look"):
                part.cancel()
        stop.set()
        await asyncio.wait({parts[1]})
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*parts, return_exceptions=True), 5)
        for one, _ in doors:
            if hasattr(one.state, "inbox"):
                await one.state.inbox.close()
        app.state.site.shelf.close()
        marker.unlink(missing_ok=True)


def _doors(
    context: Context, intake: socket.socket | None, public: socket.socket | None
) -> Iterator[tuple[FastAPI, socket.socket]]:
    """What is offered beyond loopback, each at a place of its own."""
    if intake:
        yield build_ingest(context), intake
    if public:
        yield build_status(context), public


def _kept(context: Context) -> dict[str, Work]:
    """Keeping the status page's files, where they are wanted."""
    page = context.config.status_page
    return {STATUS: plain(Keeper(context, Path(page.folder)).run)} if page and page.folder else {}


def _server(app: FastAPI) -> Server:
    return Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            lifespan="off",
            timeout_graceful_shutdown=2,
            server_header=False,
        )
    )


def _died(part: asyncio.Task[None], owner: asyncio.Task[object] | None) -> None:
    """A part that ends by an error takes the whole process with it: nothing goes on half alive."""
    if not part.cancelled() and part.exception() and owner:
        print(f"hutch: the {part.get_name()} stopped: {part.exception()!r}", file=sys.stderr)
        owner.cancel()


class Server(uvicorn.Server):
    """uvicorn without its own signal handlers: whoever serves decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        """Leave the signals alone."""
        yield
