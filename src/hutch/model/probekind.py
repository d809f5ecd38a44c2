"""A kind of probe, as its provider declares it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hutch.model.probe import Probed
from hutch.model.setting import Setting

Probe = Callable[[], Awaitable[Probed]]
"""Look once and say what was seen: in its own time limit, reading a bounded amount. It raises only for a defect."""


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """What one probe looks at, secrets resolved; ``timeout`` in seconds, for the whole look."""

    target: str = field(repr=False)
    settings: Mapping[str, object] = field(repr=False)
    timeout: float
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class ProbeKind:
    """One kind of probe, found through the entry-point group ``hutch.probes``.

    ``check`` looks at the configuration, where secrets are references, and raises ``ValueError``: key, what it must be.
    ``open`` connects to nothing. ``codes`` are the cause codes that it can give.
    """

    name: str
    summary: str
    target: Setting
    settings: tuple[Setting, ...]
    check: Callable[[str, Mapping[str, object]], None]
    open: Callable[[ProbeTarget], Probe]
    codes: Mapping[str, str]
