"""A wire between a program and its server, which can be cut, or fall silent: at once, or when certain bytes come."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

CHUNK = 65536
ANSWER_SECONDS = 30.0


@dataclass
class Last:
    """The last words on one connection: the client has ``said`` them, the server has ``answered`` them."""

    said: threading.Event = field(default_factory=threading.Event)
    answered: threading.Event = field(default_factory=threading.Event)


@dataclass
class Wire:
    """``word``: cut every connection when a client says it; ``forwarded``: once the server has answered it.

    ``silent``: nothing is cut then; the connections stand, new ones too, and nothing comes through any more."""

    server: int
    word: bytes = b""
    forwarded: bool = False
    silent: bool = False
    cuts: int = 0
    stalls: int = 0
    _stalled: threading.Event = field(default_factory=threading.Event)
    _over: threading.Event = field(default_factory=threading.Event)
    _ends: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cut(self) -> None:
        """Both sides of every connection find that the other one is gone."""
        with self._lock:
            self.cuts += bool(self._ends)
            for end in self._ends:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def stall(self) -> None:
        """Carry nothing from now on."""
        with self._lock:
            self.stalls += not self._stalled.is_set()
        self._stalled.set()

    def serve(self, door: socket.socket) -> None:
        """Take connections until the door is shut."""
        threads = []
        with suppress(OSError):
            while True:
                client, _ = door.accept()
                server = socket.create_connection(("127.0.0.1", self.server))
                with self._lock:
                    self._ends |= {client, server}
                thread = threading.Thread(target=self._joined, args=(client, server))
                thread.start()
                threads.append(thread)
        self._over.set()
        self.cut()
        for thread in threads:
            thread.join()

    def _joined(self, client: socket.socket, server: socket.socket) -> None:
        last = Last()
        back = threading.Thread(target=self._carry, args=(server, client, b"", last))
        back.start()
        self._carry(client, server, self.word, last)
        back.join()
        with self._lock:
            self._ends -= {client, server}
        client.close()
        server.close()

    def _carry(self, source: socket.socket, to: socket.socket, word: bytes, last: Last) -> None:
        with suppress(OSError):
            while part := source.recv(CHUNK):
                if word and word in part:
                    self._react(part, to, last)
                    break
                if last.said.is_set():
                    last.answered.set()
                if last.said.is_set() or self._stalled.is_set():
                    break
                to.sendall(part)
        if self._stalled.is_set():
            self._over.wait()
        for end in (source, to):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _react(self, part: bytes, to: socket.socket, last: Last) -> None:
        """From here on nothing comes back, so that the answer is lost however fast it is."""
        if self.silent:
            self.stall()
        last.said.set()
        if self.forwarded:
            to.sendall(part)
            last.answered.wait(ANSWER_SECONDS)
        if not self.silent:
            self.cut()


@contextmanager
def wired(
    server: int, word: bytes = b"", *, forwarded: bool = False, silent: bool = False
) -> Iterator[tuple[Wire, int]]:
    """A wire to a port of this machine, and the port that it begins at."""
    wire = Wire(server, word, forwarded, silent)
    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = threading.Thread(target=wire.serve, args=(door,))
        thread.start()
        try:
            yield wire, door.getsockname()[1]
        finally:
            door.shutdown(socket.SHUT_RDWR)
            thread.join()
