"""Hutch's own annotations of a step -> :class:`~hutch.model.runbook.Flow`, each checked when the document is read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from datetime import timedelta

from hutch.model.effect import Effect
from hutch.model.runbook import Flow, OnFailure
from hutch.runbook import when
from hutch.runbook.capture import parse_captures
from hutch.runbook.errors import RunbookError
from hutch.runbook.rules import duration

OURS = (
    "hutch.action", "hutch.capture", "hutch.effect", "hutch.expect", "hutch.manual", "hutch.on_failure",
    "hutch.retries", "hutch.timeout", "hutch.undo", "hutch.when",
)  # fmt: skip
"""Every annotation of ours; others that begin with ``hutch.`` are kept and mean nothing."""

PREFIX = "hutch."
MOST_RETRIES = 5
LONGEST_WAIT = timedelta(days=1)
"""A step that takes longer is a job of its own, not a step."""

ACTION = re.compile(r"[a-z][a-z0-9_-]*(?:\.[a-z][a-z0-9_-]*)+")
"""A typed action's name: ``deploy.rollback``."""


def read_flow(notes: Mapping[str, str], line: int) -> Flow:
    """How the step with these annotations is carried out. Raises :class:`RunbookError` with ``line``."""
    if not any(key.startswith(PREFIX) for key in notes):
        return _PLAIN
    for key, check in _CHECKS.items():
        if key in notes:
            check(notes[key], line)
    undo = _said("hutch.undo", notes, line)
    return Flow(
        parse_captures(notes["hutch.capture"], line) if "hutch.capture" in notes else (),
        _one_of(OnFailure, "hutch.on_failure", notes, line),
        _retries(notes.get("hutch.retries", "0"), line),
        _timeout(notes["hutch.timeout"], line) if "hutch.timeout" in notes else None,
        notes.get("hutch.when", ""),
        undo,
        bool(ACTION.fullmatch(undo)),
        notes.get("hutch.manual", "false") == "true",
    )


_PLAIN = Flow()


def unknown(notes: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The annotations that begin with ``hutch.`` and are none of ours, each with the nearest known one or nothing."""
    odd = [key for key in notes if key.startswith(PREFIX) and key not in OURS]
    return tuple((key, _nearest(key)) for key in odd)


def _nearest(key: str) -> str:
    """By what follows the prefix, which all have in common."""
    known = [one.removeprefix(PREFIX) for one in OURS]
    found = difflib.get_close_matches(key.removeprefix(PREFIX), known, n=1)
    return PREFIX + found[0] if found else ""


def _said(key: str, notes: Mapping[str, str], line: int) -> str:
    value = notes.get(key, "").strip()
    if key in notes and not value:
        raise RunbookError(f"{key} is empty; give a statement or an action's name, or leave it out", line)
    return value


def _one_of(kind: type[OnFailure], key: str, notes: Mapping[str, str], line: int) -> OnFailure:
    value = notes.get(key, OnFailure.STOP.value)
    try:
        return kind(value)
    except ValueError:
        raise _choice(key, value, ", ".join(kind), line) from None


def _choice(key: str, value: str, known: str, line: int) -> RunbookError:
    return RunbookError(f"{key}: {value[:40]!r} is not known; one of: {known}", line)


def _retries(value: str, line: int) -> int:
    if not re.fullmatch(r"[0-5]", value):
        raise RunbookError(f"hutch.retries: {value[:40]!r} is not a number from 0 to {MOST_RETRIES}; write one", line)
    return int(value)


def _timeout(value: str, line: int) -> timedelta:
    found = duration(value, line, "hutch.timeout")
    if not timedelta(0) < found <= LONGEST_WAIT:
        raise RunbookError(f"hutch.timeout: {value[:40]!r} is not between 1s and 1d; give a time within", line)
    return found


def _check_effect(value: str, line: int) -> None:
    try:
        Effect.of(value)
    except ValueError:
        known = ", ".join(effect.word for effect in Effect)
        raise _choice("hutch.effect", value, known, line) from None


def _check_manual(value: str, line: int) -> None:
    if value not in {"true", "false"}:
        raise _choice("hutch.manual", value, "true, false", line)


def _check_action(value: str, line: int) -> None:
    if not ACTION.fullmatch(value):
        raise RunbookError(f"hutch.action: {value[:40]!r} is not an action's name; write one as deploy.rollback", line)


def _check_when(value: str, line: int) -> None:
    when.parse(value, line)


_CHECKS: Mapping[str, Callable[[str, int], None]] = {
    "hutch.effect": _check_effect,
    "hutch.manual": _check_manual,
    "hutch.action": _check_action,
    "hutch.when": _check_when,
}
"""What is only checked here; it is read where it is used."""
