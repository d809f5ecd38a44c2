"""What the embedded servers have in common: a free port, a child process under its account, and its end."""

from __future__ import annotations

import atexit
import signal
import socket
import subprocess
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

from rolerabbit.embedded.errors import EmbeddedError, PortTaken
from rolerabbit.embedded.watch import GUARD
from rolerabbit.embedded.wheel import Account

HOST = "127.0.0.1"
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
"""All that a server gets to see of the environment: secrets of ours are none of its business."""
POLL_SECONDS = 0.02
LOG_TAIL_BYTES = 2000


def free_port() -> int:
    """A TCP port on the loopback address that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def check_port(port: int) -> None:
    """PortTaken if somebody listens on the loopback address at ``port``."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise PortTaken(port) from error


class Child:
    """One server process: started under its account, watched by the guard, ended and reaped.

    ``quit_signals`` are sent one after the other, each given its share of the time, until the process has ended;
    SIGKILL is the last.
    """

    def __init__(self, command: Sequence[str], log: Path, account: Account, guard_signal: signal.Signals) -> None:
        self.log = log
        with log.open("ab") as output:
            account.own(log)
            log.chmod(0o600)
            self._process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env=ENVIRONMENT, **account.popen_options()
            )
        GUARD.watch(self.pid, guard_signal)
        _CHILDREN.add(self)

    @property
    def pid(self) -> int:
        """The operating system's process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """False once the process has ended; it is reaped by asking."""
        ended = self._process.poll() is not None
        if ended:
            GUARD.release(self.pid)
        return not ended

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Poll until ready. False when the process ended first or the time is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.running:
            if ready():
                return True
            time.sleep(POLL_SECONDS)
        return False

    def end(self, quit_signals: Sequence[signal.Signals], seconds: float = 5.0) -> None:
        """Send each signal in turn, ``seconds`` apart, until the process has ended; reap it."""
        for number in (*quit_signals, signal.SIGKILL):
            if not self.running:
                return
            self._process.send_signal(number)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
        GUARD.release(self.pid)

    def log_tail(self) -> str:
        """The last lines that the server wrote, for an error text."""
        return self.log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace").strip()

    def failed(self, what: str) -> EmbeddedError:
        """The error for a server that didn't come up, with the end of its log."""
        return EmbeddedError(f"{what} did not start; the end of its log {self.log}:\n{self.log_tail()}")


_CHILDREN: weakref.WeakSet[Child] = weakref.WeakSet()


def _end_all() -> None:
    for child in list(_CHILDREN):
        child.end((signal.SIGINT, signal.SIGQUIT), seconds=3.0)


atexit.register(_end_all)
