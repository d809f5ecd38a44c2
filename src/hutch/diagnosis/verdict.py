"""Whether a reason to roll back holds. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """``UNTOLD``: nothing that is configured tells of it, or there are too few values."""

    YES = "yes"
    NO = "no"
    UNTOLD = "untold"


@dataclass(frozen=True, slots=True)
class Reason:
    """One of the four reasons, and whether it holds."""

    name: str
    verdict: Verdict
    said: str

    def as_dict(self) -> dict[str, object]:
        """The JSON form; keys are stable."""
        return {"reason": self.name, "verdict": self.verdict.value, "said": self.said}
