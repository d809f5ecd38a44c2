"""RoleRabbit for the length of a measurement: its database, and replicas in processes of their own on one socket."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from rolerabbit import database
from rolerabbit.embedded.postgres import Postgres
from rolerabbit.migrate import bundled

START_S = 60.0


@dataclass
class Replicas:
    """One replica after the other on a socket that stays open; ``start`` after ``kill``."""

    database_url: str
    sock: socket.socket
    more: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where they listen."""
        return f"http://127.0.0.1:{self.sock.getsockname()[1]}"

    def start(self) -> None:
        """Another one, which is waited for."""
        known = {"DATABASE_URL": self.database_url, "RR_ENV": "development", "TRUSTED_PROXIES": "127.0.0.1/32"}
        command = (sys.executable, "-m", "rolerabbit", "serve", "--fd", str(self.sock.fileno()))
        environ = {**os.environ, **known, **self.more}
        self.process = subprocess.Popen(
            command, env=environ, pass_fds=[self.sock.fileno()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + START_S
        while not self._well():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError("the replica did not start")
            time.sleep(0.1)

    def kill(self) -> None:
        """End it at once, as kill -9 does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def _well(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + "/api/health", timeout=2) as answer:  # noqa: S310 - loopback
                return bool(answer.status == 200)
        except OSError:
            return False


@contextmanager
def service(**more: str) -> Iterator[Replicas]:
    """A database with the service's tables and one replica; ``more`` stands in its environment."""
    with Postgres.temporary() as postgres, socket.create_server(("127.0.0.1", 0)) as sock:
        database.up(postgres.url, bundled())
        replicas = Replicas(postgres.url, sock, more)
        replicas.start()
        try:
            yield replicas
        finally:
            replicas.kill()
