"""The one listening socket that all replicas share; closed while there is none, so that clients are refused at once."""

from __future__ import annotations

import contextlib
import socket

from rolerabbit.embedded.errors import PortTaken

HOST = "127.0.0.1"
BACKLOG = 512


class Listener:
    """A TCP socket on the loopback address. ``port`` 0 takes a free one, which is kept from then on."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._socket: socket.socket | None = None

    @property
    def is_open(self) -> bool:
        """Whether clients can connect."""
        return self._socket is not None

    def open(self) -> int:
        """Listen unless we do; the descriptor for a replica. PortTaken if somebody else listens there."""
        if self._socket is None:
            self._socket = bound(self.port)
            self.port = self._socket.getsockname()[1]
        return self._socket.fileno()

    def close(self) -> None:
        """Refuse clients from now on (once no replica holds the socket)."""
        found, self._socket = self._socket, None
        if found is not None:
            found.close()


def bound(port: int) -> socket.socket:
    """A listening socket on the loopback address, or PortTaken."""
    with contextlib.ExitStack() as undo:
        found = undo.enter_context(socket.socket())
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # an answer is written in two pieces
        try:
            found.bind((HOST, port))
            found.listen(BACKLOG)
        except OSError as error:
            raise PortTaken(port) from error
        undo.pop_all()
        return found
