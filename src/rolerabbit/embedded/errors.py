"""What can go wrong with an embedded server, said so that a person knows what to do."""

from __future__ import annotations


class EmbeddedError(RuntimeError):
    """An embedded server can't be found, set up, started or stopped; the text says where and what to do."""


class PortTaken(EmbeddedError):
    """The port that was asked for is in use by another process."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} on 127.0.0.1 is taken: choose another one, or 0 for any free port")
        self.port = port
