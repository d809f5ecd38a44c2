"""Where the values of placeholders come from, for rendering and for display."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hutch.model.runbook import Capture, Filled, Placeholder, Step
from hutch.runbook.placeholders import normal


@dataclass(frozen=True, slots=True)
class Source:
    """Values by placeholder name, and what is said of where they come from (``--set``, ``incident INC-2026-001``)."""

    said: str
    values: Mapping[str, str]


def fill(placeholders: Iterable[Placeholder], sources: Iterable[Source]) -> tuple[Filled, ...]:
    """Each placeholder once, with the value of the first source that has one; names match in any spelling.

    An empty value is none: the next source is asked, and at last a person.
    """
    layers = [(s.said, {normal(k): v for k, v in s.values.items() if v.strip()}) for s in sources]
    first: dict[str, Placeholder] = {}
    for one in placeholders:
        first.setdefault(one.name, one)
    return tuple(_filled(one, layers) for one in first.values())


def _filled(one: Placeholder, layers: Iterable[tuple[str, Mapping[str, str]]]) -> Filled:
    said, value = next(((said, values[one.name]) for said, values in layers if one.name in values), ("", ""))
    return Filled(one.name, one.text, value, said)


_SECRETS = frozenset(
    {"secret", "secrets", "password", "passwords", "passwd", "passphrase", "pass", "pwd", "token", "tokens",
     "credential", "credentials", "apikey"}
)  # fmt: skip
_KEYS = frozenset({"api", "access", "private", "secret", "encryption", "signing", "master"})

_ENDINGS = ("password", "passwd", "passphrase", "secret", "token")


def is_secret(name: str) -> bool:
    """Whether a placeholder asks for a secret, by its name: no statement may carry one.

    >>> [is_secret(n) for n in ("new-secret", "API_KEY", "PGPASSWORD", "secret-id", "cache-key")]
    [True, True, True, False, False]
    """
    words = normal(name).split("-")
    last, before = words[-1], words[-2:-1]
    return last in _SECRETS or last.endswith(_ENDINGS) or (last == "key" and bool(before) and before[0] in _KEYS)


def known(filled: Iterable[Filled]) -> dict[str, str]:
    """The values for :func:`hutch.runbook.render.render`."""
    return {one.name: one.value for one in filled if one.source}


def captured_by(steps: Iterable[Step]) -> dict[str, tuple[Step, Capture]]:
    """Which step gives each captured value; where several do, the first."""
    found: dict[str, tuple[Step, Capture]] = {}
    for step in steps:
        for capture in step.flow.captures:
            found.setdefault(capture.name, (step, capture))
    return found
