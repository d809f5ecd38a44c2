"""A breach: gates in an order that matters, each passed with its proof, and the time that each stage has. Pure.

Whoever begins with the keys tells the attacker and loses the traces; whoever changes them before the hole is closed
hands out the new ones too. So a gate opens only when those before it were passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from hutch.model.event import Event, parse_instant

OPENED, BEGUN, PASSED, NOTICED = "breach.opened", "breach.begun", "breach.passed", "breach.noticed"
KINDS: Final = frozenset({OPENED, BEGUN, PASSED, NOTICED})


@dataclass(frozen=True, slots=True)
class Gate:
    """One step. ``action`` and ``args`` are the typed action that passes it; without one a command of its own does, or
    a person who says how."""

    id: str
    stage: str
    title: str
    action: str = ""
    args: Mapping[str, object] = field(default_factory=dict)


def _rotate(gate: str, title: str, secret: str, stage: str) -> Gate:
    return Gate(gate, "contain", title, "secret.rotate", {"secret": secret, "stage": stage, "deploy": True})


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a gate: an action of its own, with its own preview, approval and proof."""

    id: str
    title: str
    action: str
    args: Mapping[str, object] = field(default_factory=dict)


GATES: Final = (
    Gate("preserve", "contain", "Preserve the evidence"),
    Gate("close", "contain", "Close the hole"),
    _rotate("jwt-add", "A new signing key; the old one verifies", "jwt", "add"),
    _rotate("encryption-add", "A new encryption key; the old one opens", "encryption", "add"),
    _rotate("jwt-retire", "The old signing key is off", "jwt", "retire"),
    Gate("revoke", "contain", "Revoke every session and API token", "sessions.revoke", {"scope": "all"}),
    Gate("prove", "contain", "Prove it: old tokens refused, a new log-in works"),
    _rotate("encryption-retire", "The old encryption key is off", "encryption", "retire"),
    Gate("assess", "assess", "Say whose data was reached"),
    Gate("authority", "notify", "Tell the authority"),
    Gate("people", "notify", "Tell the people"),
    Gate("report", "document", "Write the report"),
)
"""In order. The old encryption key goes once everything is sealed anew, which must not hold up the rest."""

RESET: Final = "reset"
"""New passwords for everybody: passed as a gate is, at any time once containment was proved. Nothing waits for it."""

STAGES: Final = ("contain", "assess", "notify", "document")
CLOCKS: Final[Mapping[str, tuple[str, timedelta]]] = {
    "contain": ("containment", timedelta(minutes=15)),
    "assess": ("assessment", timedelta(minutes=60)),
    "notify": ("breach notice", timedelta(hours=72)),
}
"""The promise of each stage and how long it has: the first two from detection, the notice from awareness (Art. 33)."""

ENDS: Final = {"prove": "contain", "assess": "assess", "authority": "notify"}
"""The gate that keeps the promise of a stage."""


@dataclass(frozen=True, slots=True)
class Pass:
    """A gate that was passed: when, by whom, and what proves it."""

    at: datetime
    by: str
    proof: str
    run: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What the authority was told: a phase (1, 2, …), when, how, and the file that holds it."""

    phase: int
    at: datetime
    by: str
    how: str
    file: str


@dataclass(frozen=True, slots=True)
class Breach:
    """How far it is. ``aware_at``: when somebody became aware of it; the 72 hours run from there. ``runs``: the last
    run of each gate, ``steps``: that of each of its steps, empty where there was nothing to do."""

    code_name: str
    aware_at: datetime
    opened_at: datetime
    passed: Mapping[str, Pass] = field(default_factory=dict)
    runs: Mapping[str, str] = field(default_factory=dict)
    steps: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, object] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()

    @property
    def phase(self) -> int:
        """The number of the next notice to the authority; one that a person told of counts."""
        return max(len(self.notices), 1 if "authority" in self.passed else 0) + 1

    def next_gate(self, stage: str = "") -> Gate | None:
        """The first gate that was not passed; with ``stage`` None where it is not of that one."""
        found = next((gate for gate in GATES if gate.id not in self.passed), None)
        return found if found and stage in ("", found.stage) else None


def steps_of(gate: Gate, staged: bool) -> tuple[Step, ...]:
    """What passes a gate that changes something, in order. ``staged``: the secret is kept apart from what is given it
    at its start, so that each stage is one step, and being started anew with it another.

    >>> [step.id for step in steps_of(gate_of("jwt-add"), staged=True)]
    ['jwt-add', 'jwt-add-deploy', 'jwt-add-sign', 'jwt-add-sign-deploy']
    """
    whole = Step(gate.id, gate.title, gate.action, gate.args)
    if not staged:
        return (whole,)
    named = {"secret": gate.args["secret"]}
    told = {"add": "a new key that all know", "sign": "the new key signs", "retire": "the old key is off"}
    stages = ("add", "sign") if gate.args["stage"] == "add" else ("retire",)
    found = []
    for stage in stages:
        id = gate.id if stage == gate.args["stage"] else f"{gate.id}-{stage}"
        found.append(Step(id, f"{named['secret']}: {told[stage]}", gate.action, {**named, "stage": stage}))
        found.append(Step(f"{id}-deploy", f"{named['secret']}: started anew, {told[stage]}", "service.restart"))
    return tuple(found)


def gate_of(id: str) -> Gate:
    """The gate of that id. Raises ``KeyError``."""
    return {gate.id: gate for gate in GATES}[id]


def fold(events: Iterable[Event]) -> Breach | None:
    """The breach that an incident's events tell of; None where they tell of none."""
    found: Breach | None = None
    for event in events:
        if event.data.get("erased") is True:
            continue
        if event.kind == OPENED and found is None:
            aware = parse_instant(str(event.data["aware_at"]))
            found = Breach(str(event.data["code_name"]), aware, event.at)
        elif found and event.kind == BEGUN:
            found = _begun(found, event)
        elif found and event.kind == PASSED:
            found = _passed(found, event)
        elif found and event.kind == NOTICED:
            found = replace(found, notices=(*found.notices, _notice(event)))
    return found


def _notice(event: Event) -> Notice:
    data = event.data
    return Notice(int(str(data["phase"])), event.at, event.actor, str(data.get("how", "")), str(data.get("file", "")))


def _begun(found: Breach, event: Event) -> Breach:
    gate, run = str(event.data["gate"]), str(event.data["run"])
    runs = {**found.runs, gate: run} if run else found.runs
    return replace(found, runs=runs, steps={**found.steps, str(event.data.get("step") or gate): run})


def _passed(found: Breach, event: Event) -> Breach:
    data = event.data
    done = Pass(event.at, event.actor, str(data.get("proof", "")), str(data.get("run", "")))
    figures = data.get("figures")
    return replace(
        found,
        passed={**found.passed, str(data["gate"]): done},
        figures={**found.figures, **(figures if isinstance(figures, Mapping) else {})},
    )
