"""What the configuration asks for at times, without anybody asking: a provider's action, and when it is due."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Due:
    """One time that has come. ``key`` names it: whoever else finds the same time finds the same key, and it is done
    once."""

    key: str
    args: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Timed:
    """``due`` looks, touching nothing, and gives what is due now, or None. It raises nothing: what it cannot tell is
    not due."""

    action: str
    title: str
    due: Callable[[], Awaitable[Due | None]]
