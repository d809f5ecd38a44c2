"""A wire between a program and its server, which can be cut, or fall silent: at once, or when certain bytes come."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

CHUNK = 65536


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
        back = threading.Thread(target=self._carry, args=(server, client, b""))
        back.start()
        self._carry(client, server, self.word)
        back.join()
        with self._lock:
            self._ends -= {client, server}
        client.close()
        server.close()

    def _carry(self, source: socket.socket, to: socket.socket, word: bytes) -> None:
        with suppress(OSError):
            while part := source.recv(CHUNK):
                if said := bool(word) and word in part:
                    if self.forwarded:
                        to.sendall(part)
                        to.recv(1, socket.MSG_PEEK)  # it has answered, and nobody hears it
                    self.stall() if self.silent else self.cut()
                if said or self._stalled.is_set():
                    break
                to.sendall(part)
        if self._stalled.is_set():
            self._over.wait()
        for end in (source, to):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


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
