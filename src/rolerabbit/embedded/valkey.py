"""A real Valkey (it speaks Redis) as a child process, on the loopback address alone."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from rolerabbit.embedded.errors import EmbeddedError
from rolerabbit.embedded.server import HOST, Child, check_port, free_port
from rolerabbit.embedded.watch import GUARD
from rolerabbit.embedded.wheel import Account, reachable, temporary_root, valkey_binary

START_SECONDS = 10.0
_CONFIG_NAME = "valkey.conf"


class Valkey:
    """A Valkey server that keeps its data in memory. ``maxmemory`` is written as "16mb"; "0" means no limit.

    ``settings`` are further ones by name; with ``password`` (letters and digits) clients have to give it. Both stand
    in a file (0600), never in the argument list. ``port`` 0 takes a free one at the first start and keeps it.
    Raises EmbeddedError (and PortTaken) from ``start``.
    """

    def __init__(
        self,
        folder: Path | str,
        port: int = 0,
        maxmemory: str = "0",
        settings: Mapping[str, str] | None = None,
        password: str = "",
    ) -> None:
        self._account = Account.current()
        self._binary = valkey_binary(self._account)
        self._folder = reachable(Path(folder).absolute(), self._account, "valkeydata")
        self._settings = {"maxmemory": maxmemory, "save": "", "appendonly": "no", **(settings or {})}
        self._password = password
        self._wanted_port = port
        self.port = port
        self._child: Child | None = None

    @classmethod
    @contextlib.contextmanager
    def temporary(cls, maxmemory: str = "0", password: str = "", **settings: str) -> Iterator[Valkey]:
        """A running server in a scratch folder that is deleted afterwards, even if we are killed."""
        account = Account.current()
        scratch = Path(tempfile.mkdtemp(prefix="rolerabbit-valkey-", dir=temporary_root(account)))
        GUARD.remove(scratch)
        account.own(scratch)
        server = cls(scratch, maxmemory=maxmemory, settings=settings, password=password)
        try:
            server.start()
            yield server
        finally:
            server.stop()
            shutil.rmtree(scratch)
            GUARD.keep(scratch)

    @property
    def url(self) -> str:
        """Address of database 0, with the password if there is one."""
        login = f":{quote(self._password, safe='')}@" if self._password else ""
        return f"redis://{login}{HOST}:{self.port}/0"

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._child is not None and self._child.running

    @property
    def pid(self) -> int:
        """Process id. EmbeddedError when the server doesn't run."""
        return self._running().pid

    @property
    def log_path(self) -> Path:
        """The server's log."""
        return self._folder / "valkey.log"

    def start(self) -> Valkey:
        """Start unless it runs, and return once it answers PING."""
        if self.running:
            return self
        if self._wanted_port:
            check_port(self._wanted_port)
        self.port = self._wanted_port or free_port()
        command = [str(self._binary), str(self._write_config())]
        child = Child(command, self.log_path, self._account, signal.SIGTERM)
        if not child.wait_until(self._answers, START_SECONDS):
            child.end((signal.SIGTERM,))
            raise child.failed("Valkey")
        self._child, self._wanted_port = child, self.port
        return self

    def stop(self) -> None:
        """Stop and reap."""
        if self._child is not None:
            self._child.end((signal.SIGTERM,))
            self._child = None

    def kill(self) -> None:
        """SIGKILL, as a crash would be; reaped."""
        self._running().end(())
        self._child = None

    def _running(self) -> Child:
        if self._child is None or not self._child.running:
            raise EmbeddedError("the Valkey server is not running: call start()")
        return self._child

    def _write_config(self) -> Path:
        if not self._folder.exists():
            self._account.make_parents(self._folder)
            self._folder.mkdir(mode=0o700)
            self._account.own(self._folder)
        settings = {**self._settings, "bind": HOST, "port": str(self.port), "dir": str(self._folder)}
        if self._password:
            settings["requirepass"] = self._password
        path = self._folder / _CONFIG_NAME
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write("".join(f"{name} {value or _EMPTY}\n" for name, value in settings.items()))
        self._account.own(path)
        return path

    def _answers(self) -> bool:
        login = f"AUTH {self._password}\r\n" if self._password else ""
        try:
            with socket.create_connection((HOST, self.port), timeout=1.0) as connection:
                connection.sendall(f"{login}PING\r\nQUIT\r\n".encode())
                with connection.makefile("rb") as answers:
                    return b"+PONG\r\n" in answers.read(256)
        except OSError:
            return False


_EMPTY = '""'
