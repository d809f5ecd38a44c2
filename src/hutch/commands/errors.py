"""The error that commands raise for people; apart, so that saying it needs nothing else."""

from __future__ import annotations


class CommandError(Exception):
    """What, where, and what to do about it; ``code`` is the exit code of DESIGN §7."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code
