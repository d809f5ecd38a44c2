"""The course of an incident as a table: which step leads where, from where it may be taken, and what refuses it.

detection → assessment → response → resolution → review, and back to response when it comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hutch.model.incident import Incident, Phase

ACTIVE = frozenset({Phase.DETECTION, Phase.ASSESSMENT, Phase.RESPONSE})
OVER = frozenset({Phase.RESOLUTION, Phase.REVIEW})

Guard = Callable[[Incident], str]
"""Why a step may not be taken now, with what to do instead; empty where it may."""


def _open(state: Incident) -> str:
    if state.open:
        return ""
    said = f": {state.resolution}" if state.resolution else ""
    return f"it was resolved at {state.resolved_at:%Y-%m-%d %H:%M} UTC already{said}"


def _resolved(state: Incident) -> str:
    return f"it is open, in {state.phase}; there is nothing to reopen" if state.open else ""


def _reviewable(state: Incident) -> str:
    return "it is not resolved; its review is published after that" if state.open else ""


def _always(_state: Incident) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Step:
    """One transition. ``to`` is None where the phase stays. ``reasoned``: it is not taken without a reason."""

    name: str
    frm: frozenset[Phase]
    to: Phase | None
    guard: Guard
    reasoned: bool


STEPS: Mapping[str, Step] = {
    step.name: step
    for step in (
        Step("acknowledge", frozenset(Phase), Phase.ASSESSMENT, _always, reasoned=False),
        Step("answer", ACTIVE, Phase.RESPONSE, _open, reasoned=False),
        Step("severity", frozenset(Phase), None, _always, reasoned=True),
        Step("resolve", ACTIVE, Phase.RESOLUTION, _open, reasoned=True),
        Step("reopen", OVER, Phase.RESPONSE, _resolved, reasoned=True),
        Step("review", OVER, Phase.REVIEW, _reviewable, reasoned=False),
    )
}
"""Every step by its name. An acknowledgement moves on only from detection: phases go forwards, but for a reopening."""

COURSE = frozenset({"severity.changed", "incident.resolved", "incident.reopened", "commander.assigned"})
"""The events that a person who decides about the course must have seen."""


def refusal(name: str, state: Incident, reason: str = "") -> str:
    """Why the step may not be taken; empty where it may."""
    step = STEPS[name]
    why = step.guard(state)
    if why:
        return why
    return "say why: it stands on the timeline" if step.reasoned and not reason.strip() else ""
