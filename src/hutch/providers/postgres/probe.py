"""The manifest of the Postgres probe; the driver is loaded when one is opened."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from hutch.ports import Probe, ProbeKind, ProbeTarget, Setting
from hutch.providers.postgres.causes import CODES

SETTINGS = (
    Setting("query", "text", "one statement that only reads", default="SELECT 1"),
    Setting("expect", "text", "what the first column of its first row must be; none: any answer is good", default=""),
)


def check(_target: str, settings: Mapping[str, object]) -> None:
    """Raises ``ValueError`` for an empty query; that it only reads is looked at where statements are classified."""
    if not str(settings["query"]).strip():
        raise ValueError("query: expected a statement that only reads, as SELECT 1")


def opened(target: ProbeTarget) -> Probe:
    """The probe. ``ValueError`` for what is no address of a database."""
    probe: Probe = import_module("hutch.providers.postgres.probing").opened(target)
    return probe


kind = ProbeKind(
    name="postgres",
    summary="A new connection to a database, and one statement on it that only reads",
    target=Setting("target", "secret", "address of the database; none: the `url` of the service's `postgres` block"),
    settings=SETTINGS,
    check=check,
    open=opened,
    codes={
        code: CODES[code]
        for code in (
            "postgres.unreachable",
            "postgres.auth",
            "postgres.connections_exhausted",
            "postgres.disk_full",
            "postgres.corruption",
        )
    },
)
