"""What is configured, for reading: names, kinds, policies, times. No setting of a target and no secret is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from hutch.model.config import Config
from hutch.model.oncall import Escalation
from hutch.model.severity import Promise, Severity
from hutch.review.wording import length
from hutch.web.present.words import line


@dataclass(frozen=True, slots=True)
class Block:
    """One table: its title, what stands over the columns, its rows, and what is said where there are none."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    none: str = ""


def blocks(config: Config) -> tuple[Block, ...]:
    """The configuration, a table for each part."""
    return tuple(
        Block(title, heads, tuple(tuple(line(cell) for cell in row) for row in rows), none)
        for title, heads, rows, none in _parts(config)
    )


_Part = tuple[str, tuple[str, ...], Sequence[tuple[str, ...]], str]


def _parts(config: Config) -> Iterator[_Part]:
    yield "Services", ("Name", "Targets", "Bindings", "Runbook"), _services(config), "No service: see services."
    yield "Severities", ("Severity", "Response", "Updates"), _policy(config), ""
    yield "Alert rules", ("Rule", "Condition", "For", "Severity"), _rules(config), "No rule: see alerts."
    yield "Probes", ("Probe", "Service", "Kind", "Every", "From"), _probes(config), "No probe: see probes."
    yield "Channels", ("Channel", "Kind", "For", ""), _channels(config), "No channel: see notify.channels."
    yield "People", ("Person", "Channels"), _people(config), "Nobody: see people."
    yield "Paging", ("Severity", "Steps"), _escalation(config), "Nobody is paged: see escalation."
    yield "Alerts from elsewhere", ("Source", "Service", "Proof"), _sources(config), "No source: see ingest."
    yield "Approvals", ("For", "Approvers", "By"), _approvals(config), "One person approves each change."
    yield "Done without a person", ("Policy", "Action", "Under", "At most"), _autonomy(config), "Nothing."


def _services(config: Config) -> list[tuple[str, ...]]:
    return [
        (s.name, ", ".join(s.targets) or "none", str(len(s.binds)), s.runbook or "none")
        for s in config.services.values()
    ]


def _policy(config: Config) -> list[tuple[str, ...]]:
    return [(level.label, _response(p), _cadence(p)) for level, p in sorted(config.policy.items())]


def _cadence(promise: Promise) -> str:
    if not promise.update:
        return "as needed"
    return "every day" if promise.update == timedelta(days=1) else f"every {length(promise.update)}"


def _response(promise: Promise) -> str:
    return "next business day" if promise.next_business_day else f"within {length(promise.response)}"


def _rules(config: Config) -> list[tuple[str, ...]]:
    return [(r.name, str(r.condition), length(r.duration) if r.duration else "at once", r.severity.label)
            for r in config.rules]  # fmt: skip


def _probes(config: Config) -> list[tuple[str, ...]]:
    return [(p.name, p.service, p.kind, length(p.every), ", ".join(p.locations)) for p in config.probes]


def _channels(config: Config) -> list[tuple[str, ...]]:
    return [
        (c.name, c.kind, c.audience.value, "exercises only" if c.exercise else "")
        for c in config.notify.channels.values()
    ]


def _people(config: Config) -> list[tuple[str, ...]]:
    return [(p.name, ", ".join(p.channels) or "none") for p in config.people.people.values()]


def _escalation(config: Config) -> list[tuple[str, ...]]:
    return [(level.label, _steps(e)) for level, e in sorted(config.people.escalation.items())]


def _steps(found: Escalation) -> str:
    told = [f"{'at once' if not s.after else f'after {length(s.after)}'}: {', '.join(s.page)}" for s in found.steps]
    again = f"; {found.repeat} times again" if found.repeat else ""
    return "; ".join(told) + again


def _sources(config: Config) -> list[tuple[str, ...]]:
    return [
        (s.name or s.kind, s.service or "as it says", "proved" if s.proves else "not proved") for s in config.ingest
    ]


def _approvals(config: Config) -> list[tuple[str, ...]]:
    return [(_meant(r.effect.word if r.effect else "", r.severity, r.service, r.action), str(r.approvers),
             ", ".join(r.by) or "anybody") for r in config.approvals]  # fmt: skip


def _meant(effect: str, severity: Severity | None, service: str, action: str) -> str:
    told = [effect, f"{severity.label} or worse" if severity else "", service, action]
    return ", ".join(t for t in told if t) or "every change"


def _autonomy(config: Config) -> list[tuple[str, ...]]:
    return [(a.name, a.action, a.alert, f"{a.per_hour} an hour") for a in config.autonomy]


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure of the whole."""

    name: str
    value: str


def facts(config: Config, address: str, store: str) -> tuple[Fact, ...]:
    """What holds for everything."""
    scale = f"{config.time_scale:g} times as fast" if config.time_scale != 1 else "real"
    told: list[tuple[str, str]] = [
        ("Configuration", config.path or "none"),
        ("Mode", f"{config.mode}: {'changes run once approved' if config.mode == 'act' else 'nothing is changed'}"),
        ("Store", store),
        ("Runbooks", ", ".join(config.runbooks) or "the library’s only"),
        ("One action may hit", f"{config.guards.max_hits} things, {config.guards.per_hour} times an hour"),
        ("Approvals wait", length(config.approval_for)),
        ("Watched after resolving", length(config.watch_for)),
        ("Diagnosed every", length(config.diagnose_every) if config.diagnose_every > timedelta(0) else "never"),
        ("Time", scale),
        ("Address in messages", address or "none"),
    ]
    return tuple(Fact(name, line(value)) for name, value in told)
