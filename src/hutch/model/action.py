"""Typed actions and rendered commands: what is shown, approved, done, verified and undone (DESIGN §1, §4)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hutch.model.effect import Effect
from hutch.model.event import canonical


@dataclass(frozen=True, slots=True)
class Command:
    """A fully rendered statement and its target: exactly what a person approves and a provider does.

    ``runner`` names who does it: ``sql`` ``sh`` ``http`` or the name of a typed action. ``text`` is for people
    and holds no secret; ``params`` are bound values of SQL; ``env`` names the variables that a shell gets,
    ``secrets`` the references (never values) that the runner resolves at the last moment. ``endless``: it goes on until
    it is ended (``tail -f``), so its time limit is success.
    """

    runner: str
    text: str
    target: str
    effect: Effect
    why: str = ""
    args: Mapping[str, object] = field(default_factory=dict)
    params: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    timeout: float = 30.0
    sensitive: bool = False
    endless: bool = False

    def digest(self) -> str:
        """SHA-256 over all that decides what happens: an approval is bound to it."""
        parts = [self.runner, self.text, self.target, self.effect.word, dict(self.args), list(self.params)]
        return hashlib.sha256(canonical([*parts, dict(self.env), list(self.secrets)]).encode()).hexdigest()

    def as_dict(self) -> dict[str, object]:
        """The journal's form; :func:`command_from` is its inverse."""
        return {
            "runner": self.runner,
            "text": self.text,
            "target": self.target,
            "effect": self.effect.word,
            "why": self.why,
            "args": dict(self.args),
            "params": list(self.params),
            "env": dict(self.env),
            "secrets": list(self.secrets),
            "timeout": self.timeout,
            "sensitive": self.sensitive,
            **({"endless": True} if self.endless else {}),
        }


@dataclass(frozen=True, slots=True)
class Preview:
    """What applying would do, in words and figures. ``hits`` counts the things it touches: none is a no-op.

    ``refused`` is the guard's reason where it must not run at all (a protected target …).
    """

    summary: str
    hits: int
    items: tuple[str, ...] = ()
    undo: str = ""
    refused: str = ""


class Result(StrEnum):
    """How doing something ended. ``UNKNOWN``: it may or may not have happened (a broken connection)."""

    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a command. ``output`` is for people, masked and bounded; ``undo`` says how to go back.

    ``recoverable`` tells the retry stage that the provider judged the error to be temporary.
    """

    result: Result
    summary: str
    output: str = ""
    exit_code: int | None = None
    seconds: float = 0.0
    hits: int = 0
    undo: Mapping[str, object] = field(default_factory=dict)
    recoverable: bool = False


class Verified(StrEnum):
    """The verification's word. ``PENDING`` is "not yet": ask again; ``UNKNOWN``: it cannot tell."""

    PASSED = "passed"
    FAILED = "failed"
    PENDING = "pending"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether the world is now as the action wanted it, and what was seen.

    ``final``: no later look will tell more than this one, so a person is asked at once. ``besides``: the codes of
    causes that are still there and are another matter than what was to be cured; ``firing``: those with an alert.
    """

    verdict: Verified
    summary: str
    evidence: tuple[str, ...] = ()
    final: bool = False
    besides: tuple[str, ...] = ()
    firing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a series at a time: ``kind`` is counter, gauge or histogram bucket (``le`` in labels)."""

    name: str
    labels: Mapping[str, str]
    value: float
    at: datetime
    kind: str = "gauge"


class Partly(ValueError):
    """A source gave ``samples``, and not all that it should: the message says what is missing, and why."""

    def __init__(self, missing: str, samples: Sequence[Sample]) -> None:
        super().__init__(missing)
        self.samples = samples
