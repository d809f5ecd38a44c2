"""Where a server is to listen, as it is written on the command line."""

from __future__ import annotations

from hutch.commands.context import CommandError


def place_of(option: str, text: str, host: str) -> tuple[int, str]:
    """Port and host of ``HOST:PORT``; without a host it is ``host``. Raises :class:`CommandError`."""
    given, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise CommandError(f"{option} {text!r}: write HOST:PORT, as {host}:8643", 2)
    return int(port), given.strip("[]") or host
