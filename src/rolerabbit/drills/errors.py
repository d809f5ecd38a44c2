"""How a fault fails: it refuses to start, or it can't be made or undone."""

from __future__ import annotations

REFUSED = 3
"""Exit code of a refusal."""


class FaultError(RuntimeError):
    """The fault can't be made, or not be undone; the text says what to do."""


class Refused(FaultError):
    """Another fault stands, or the service is ill already: nothing was touched."""
