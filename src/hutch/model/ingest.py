"""Who may send alerts in from outside, and how each proves itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class IngestSource:
    """One source of ``ingest:``. ``kind`` says how its payloads are read, ``name`` tells several of a kind apart.

    ``token`` and ``secret`` are references (``env:NAME``), never values: what it sends along, or signs the body with.
    ``service`` is what its alerts are about where they do not say; ``paths`` the mapping of a generic one.
    """

    kind: str
    name: str = ""
    token: str = ""
    secret: str = ""
    service: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)

    @property
    def proves(self) -> bool:
        """Whether anything that it sends is proved to be its own."""
        return bool(self.token or self.secret)
