"""A real Valkey (it speaks Redis) as a child process, on the loopback address alone."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from rolerabbit.embedded.errors import EmbeddedError
from rolerabbit.embedded.server import HOST, Child, check_port, free_port
from rolerabbit.embedded.watch import GUARD
from rolerabbit.embedded.wheel import Account, temporary_root, valkey_binary

START_SECONDS = 10.0


class Valkey:
    """A Valkey server that keeps its data in memory. ``maxmemory`` is written as "16mb"; "0" means no limit.

    ``settings`` are further ones by name. Raises EmbeddedError (and PortTaken) from ``start``.
    """

    def __init__(
        self, folder: Path | str, port: int = 0, maxmemory: str = "0", settings: Mapping[str, str] | None = None
    ) -> None:
        self._account = Account.current()
        self._binary = valkey_binary(self._account)
        self._folder = Path(folder)
        self._settings = {"maxmemory": maxmemory, "save": "", "appendonly": "no", **(settings or {})}
        self._wanted_port = port
        self.port = port
        self._child: Child | None = None

    @classmethod
    @contextlib.contextmanager
    def temporary(cls, maxmemory: str = "0", **settings: str) -> Iterator[Valkey]:
        """A running server in a scratch folder that is deleted afterwards, even if we are killed."""
        account = Account.current()
        scratch = Path(tempfile.mkdtemp(prefix="rolerabbit-valkey-", dir=temporary_root(account)))
        GUARD.remove(scratch)
        account.own(scratch)
        server = cls(scratch, maxmemory=maxmemory, settings=settings)
        try:
            server.start()
            yield server
        finally:
            server.stop()
            shutil.rmtree(scratch)
            GUARD.keep(scratch)

    @property
    def url(self) -> str:
        """Address of database 0."""
        return f"redis://{HOST}:{self.port}/0"

    @property
    def pid(self) -> int:
        """Process id. EmbeddedError when the server doesn't run."""
        if self._child is None or not self._child.running:
            raise EmbeddedError("the Valkey server is not running: call start()")
        return self._child.pid

    @property
    def log_path(self) -> Path:
        """The server's log."""
        return self._folder / "valkey.log"

    def start(self) -> Valkey:
        """Start, and return once it answers PING."""
        if self._wanted_port:
            check_port(self._wanted_port)
        self.port = self._wanted_port or free_port()
        settings = {**self._settings, "bind": HOST, "port": str(self.port), "dir": str(self._folder)}
        arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
        child = Child([str(self._binary), *arguments], self.log_path, self._account, signal.SIGTERM)
        if not child.wait_until(self._answers, START_SECONDS):
            child.end((signal.SIGTERM,))
            raise child.failed("Valkey")
        self._child = child
        return self

    def stop(self) -> None:
        """Stop and reap."""
        if self._child is not None:
            self._child.end((signal.SIGTERM,))
            self._child = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=1.0) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False
