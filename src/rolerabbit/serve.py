"""Runs one replica on a listening socket until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from types import FrameType
from typing import Final

import click
import uvicorn

from rolerabbit import logs
from rolerabbit.app import create_app
from rolerabbit.config import ConfigError, Settings, read_settings
from rolerabbit.room import keep_within

GRACE_S: Final = 3
"""Seconds that running requests get to finish after SIGTERM."""
BACKLOG: Final = 512
TAKEN_S: Final = 1.0
"""Seconds that a connection which was taken gets to say what it wants, after SIGTERM."""
LOOKS: Final = 20


@click.command()
@click.option("--fd", type=click.IntRange(min=0), help="Serve on this inherited socket; it may be shared by replicas.")
@click.option("--port", type=click.IntRange(1, 65535), help="Or listen on this port of 127.0.0.1.")
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Serve the same on this port of 127.0.0.1 too, for this replica's own /metrics. 0: don't.",
)
def serve(fd: int | None, port: int | None, metrics_port: int) -> None:
    """Run one replica until SIGTERM or SIGINT. Settings come from the environment."""
    if (fd is None) == (port is None):
        raise click.UsageError("give either --fd or --port")
    try:
        settings = read_settings(os.environ)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    sockets = [inherited(fd) if fd is not None else listening(port or 0)]
    if metrics_port:
        sockets.append(listening(metrics_port))
    keep_within(settings.memory_mb, settings.cpu_units)
    logs.configure(settings.release)
    # uvicorn raises the signal again after its graceful end: with these the process then exits 0.
    signal.signal(signal.SIGTERM, _already_handled)
    signal.signal(signal.SIGINT, _already_handled)
    asyncio.run(server_for(settings).serve(sockets=sockets))


class Gentle(uvicorn.Server):
    """Answers what it has taken: uvicorn itself cuts a connection whose request has not come yet, and whoever opened it
    just before a replica was replaced would get no answer at all."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, hear those that were taken, then end as uvicorn does."""
        for server in self.servers:
            server.close()
        for _ in range(LOOKS):
            await asyncio.sleep(TAKEN_S / LOOKS)  # what was taken in this moment becomes a connection
            if not self._unheard():
                break
        await super().shutdown(sockets)

    def _unheard(self) -> bool:
        return any(getattr(one, "cycle", None) is None for one in self.server_state.connections)


def server_for(settings: Settings) -> uvicorn.Server:
    """A server for one replica; its `serve` returns once the replica has stopped, by a signal or by `should_exit`."""
    config = uvicorn.Config(
        create_app(settings),
        log_config=None,
        access_log=False,
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE_S,
    )
    return Gentle(config)


def inherited(fd: int) -> socket.socket:
    """The listening socket that the parent passed on; a usage error where `fd` is none."""
    try:
        found = socket.socket(fileno=fd)
        accepts = found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise click.UsageError(f"--fd {fd}: not an open socket ({error.strerror})") from error
    if not accepts:
        found.detach()
        raise click.UsageError(f"--fd {fd}: this socket does not listen; call listen() on it before passing it on")
    return found


def listening(port: int) -> socket.socket:
    """A socket that listens on loopback; a clear error where the port is taken."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # an answer is written in two pieces
    try:
        sock.bind(("127.0.0.1", port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        text = f"can't listen on 127.0.0.1:{port}: {error.strerror}; choose another port"
        raise click.ClickException(text) from error
    return sock


def _already_handled(_signal: int, _frame: FrameType | None) -> None:
    """uvicorn has already stopped for this signal."""
