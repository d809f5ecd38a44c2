"""The one error of this package."""

from __future__ import annotations


class RunbookError(ValueError):
    """A document that cannot be read or a statement that cannot be rendered.

    ``message`` says what is wrong and what to do, ``line`` (from 1; 0 = the whole) and ``source`` where.
    """

    def __init__(self, message: str, line: int = 0, source: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.source = source

    def __str__(self) -> str:
        """``runbooks.md:12: what is wrong``."""
        place = ":".join(part for part in (self.source, str(self.line) if self.line else "") if part)
        return f"{place}: {self.message}" if place else self.message

    def at(self, line: int = 0, source: str = "") -> RunbookError:
        """This error with the place filled in where it has none of its own."""
        return RunbookError(self.message, self.line or line, self.source or source)
