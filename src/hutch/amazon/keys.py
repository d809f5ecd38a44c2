"""Which account and region is called, and by which key; loads nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Keys:
    """An access key and its secret; empty: the machine's own. They never show in a repr."""

    id: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)


class Place(Protocol):
    """Where calls go, and for how long they are waited for, in seconds."""

    @property
    def region(self) -> str:
        """Such as eu-central-1."""

    @property
    def timeout(self) -> float:
        """What one call may take."""

    @property
    def endpoint(self) -> str:
        """Another address of the services; empty: Amazon's own."""


def keys_from(block: str, values: Mapping[str, object]) -> tuple[Keys, Keys | None]:
    """The keys for reading and for changes; None where no change is offered. ``ValueError`` names what is missing."""
    reading = _pair(block, values, "access_key_id", "secret_access_key")
    changing = _pair(block, values, "change_key_id", "change_secret_key")
    return reading, changing if changing.id else reading if values["changes"] else None


def _pair(block: str, values: Mapping[str, object], id_: str, secret: str) -> Keys:
    if bool(values[id_]) != bool(values[secret]):
        raise ValueError(f"{block}: {id_} and {secret} go together")
    return Keys(str(values[id_] or ""), str(values[secret] or ""))
