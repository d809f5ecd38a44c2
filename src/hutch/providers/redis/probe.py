"""The manifest of the Redis probe; the client is loaded when one is opened."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from hutch.ports import Probe, ProbeKind, ProbeTarget, Setting
from hutch.providers.redis.causes import CODES


def check(_target: str, _settings: Mapping[str, object]) -> None:
    """There is nothing to set."""


def opened(target: ProbeTarget) -> Probe:
    """The probe. ``ValueError`` for what is no address of a server."""
    probe: Probe = import_module("hutch.providers.redis.probing").opened(target)
    return probe


kind = ProbeKind(
    name="redis",
    summary="A new connection to a Redis or Valkey server, and PING",
    target=Setting("target", "secret", "address of the server; none: the `url` of the service's `redis` block"),
    settings=(),
    check=check,
    open=opened,
    codes={code: CODES[code] for code in ("redis.unreachable", "redis.clients_exhausted")},
)
