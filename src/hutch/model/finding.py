"""What checks saw, what explains it, and what would cure it (DESIGN §1, §6)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hutch.model.effect import Effect

COMMIT, SHORT = re.compile(r"[0-9a-f]{40}"), re.compile(r"[0-9a-f]{7,40}")


class Status(StrEnum):
    """How a check ended. ``UNKNOWN`` is "could not tell" and never counts as healthy."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Object:
    """The thing in the world that a cause or remedy is about: ``Object("session", "4711")``.

    Kinds: session release table index sequence role slot setting host key address account migration service database.
    ``detail`` carries what that kind adds: ``pids`` and ``release`` of a leaking role.
    """

    kind: str
    id: str
    detail: Mapping[str, object] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """The JSON form of DESIGN §7."""
        return {"kind": self.kind, "id": self.id, **self.detail}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw at one moment. ``data`` holds the figures that causes are judged by.

    ``matters`` says that the check's failure leaves health undecided (DESIGN §6).
    ``code`` is set where the check itself could not reach its target (``postgres.unreachable`` …).
    """

    check: str
    target: str
    status: Status
    summary: str
    at: datetime
    seconds: float = 0.0
    data: Mapping[str, object] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    matters: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look brought: the finding without its frame, which only the check knows."""

    status: Status
    summary: str
    data: Mapping[str, object] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    reason: str = ""

    def by(self, check: str, target: str, at: datetime, seconds: float, matters: bool = True) -> Finding:
        """The finding of ``check``, begun at ``at``, which took ``seconds``."""
        return Finding(
            check, target, self.status, self.summary, at, seconds, self.data, self.evidence, matters, self.reason
        )


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was changed from outside and may have started the trouble: a deployment,
    a migration, a configuration edit.

    ``names`` are what else a release is called: a platform counts its deployments by ids of its own, while the service
    names itself in its sessions, metrics and lines by a version or a commit.
    """

    kind: str  # deployment migration configuration
    id: str
    at: datetime
    summary: str
    previous: str = ""  # what was there before it: the release to go back to
    names: tuple[str, ...] = ()

    def is_called(self, name: str) -> bool:
        """Whether ``name`` means this release."""
        return called(name, (self.id, *self.names))


def called(name: str, names: Sequence[str]) -> bool:
    """Whether a release of those ``names`` is meant; a commit also by its first seven digits or more.

    >>> called("43", ("dpl_1", "43")), called("0e23d2b", ("0e23d2b1" * 5,)), called("0e23d2", ("0e23d2b1" * 5,))
    (True, True, False)
    """
    short = bool(SHORT.fullmatch(name))
    return name in names or (short and any(COMMIT.fullmatch(one) and one.startswith(name) for one in names))


@dataclass(frozen=True, slots=True)
class Remedy:
    """A typed action that would cure a cause, with its arguments. ``rank`` orders: low first."""

    action: str
    target: str
    args: Mapping[str, object]
    summary: str
    effect: Effect = Effect.CHANGE
    rank: int = 0
    preview: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """A ranked explanation: stable code, object, confidence 0…1, evidence, remedies in order."""

    code: str
    object: Object
    confidence: float
    summary: str
    target: str
    evidence: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What all checks of one service together say, the best explanation first.

    ``healthy`` is True only when nothing is wrong and every check that matters could tell; None is "could not tell"
    (DESIGN §6). ``seconds`` is how long the looking took.
    """

    healthy: bool | None
    causes: tuple[Cause, ...] = ()
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
