"""What is wrong with the alert rules of a configuration and of its documents, and where each is written."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hutch.commands.context import Context, Service
from hutch.commands.documents import load_document, names
from hutch.detection.rulecheck import check_rules
from hutch.detection.signals import SIGNALS, SignalSpec
from hutch.model.action import Sample
from hutch.model.alert import Rule
from hutch.model.config import Config
from hutch.ports import Connection

SOURCE_TIMEOUT = 10.0
"""Seconds after which a source counts as unreachable."""

RUNBOOK_KEYS = ("runbook", "runbook_url")
"""The annotations and labels by which an alert names its runbook."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A rule, the file and line that it stands in, what keeps it from being judged, and what is only a pity."""

    rule: Rule
    where: str
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """For ``--json``."""
        rule = self.rule
        return {
            "name": rule.name,
            "where": self.where,
            "condition": str(rule.condition),
            "duration": f"{rule.duration.total_seconds():g} s",
            "severity": rule.severity.label,
            "service": rule.service,
            "errors": list(self.errors),
            "warnings": list(self.warnings),
        }


def of_config(config: Config, base: Path | None = None) -> list[Checked]:
    """The rules of the configuration, which are judged, and those of its documents, which could be."""
    place = os.path.relpath(config.path) if config.path else "hutch.yaml"
    default = all(s.runbook for s in config.services.values())
    found = [_no_runbook(c, default) for c in of_rules(config.rules, place)]
    for path in names(config.runbooks, base).values():
        found += of_document(str(path), base)
    return found


def of_document(reference: str, base: Path | None = None) -> list[Checked]:
    """The rules of one document. Raises ``CommandError`` where it cannot be read."""
    document = load_document(reference, (), base)
    return of_rules(document.rules, reference)


def of_rules(rules: Sequence[Rule], place: str, catalogue: Mapping[str, SignalSpec] = SIGNALS) -> list[Checked]:
    """Rules that belong together, with what is wrong in themselves: signals, units, operators, names."""
    wrong = check_rules(rules, catalogue)
    faults = {(e.rule, e.line): e.message for e in wrong}
    return [
        Checked(r, f"{place}:{r.line}", (faults[r.name, r.line],) if (r.name, r.line) in faults else ()) for r in rules
    ]


def _no_runbook(checked: Checked, default: bool) -> Checked:
    rule = checked.rule
    named = rule.runbook or any(k in (*rule.annotations, *rule.labels) for k in RUNBOOK_KEYS)
    if named or default:
        return checked
    said = "no runbook answers it: give it `runbook: DOC#anchor`, or its service one"
    return replace(checked, warnings=(*checked.warnings, said))


async def with_sources(context: Context, found: Sequence[Checked]) -> list[Checked]:
    """The same, with what no source gives now: every source of every service is asked once."""
    services = list(context.services.values())
    seen = dict(zip([s.name for s in services], await asyncio.gather(*map(_metrics, services)), strict=True))
    return [_sourced(c, seen) for c in found]


def _sourced(checked: Checked, seen: Mapping[str, tuple[frozenset[str], tuple[str, ...]]]) -> Checked:
    spec = SIGNALS.get(checked.rule.condition.signal)
    if spec is None or checked.errors:
        return checked
    lacking = []
    for service, (metrics, broken) in seen.items():
        missing = [m for m in spec.metrics if m not in metrics]
        if checked.rule.meant_for(service) and missing:
            why = f" ({'; '.join(broken)})" if broken else ""
            lacking.append(f"no source of {service} gives {' and '.join(missing)}{why}")
    return replace(checked, errors=(*checked.errors, *lacking))


async def _metrics(service: Service) -> tuple[frozenset[str], tuple[str, ...]]:
    """The metrics that a service's sources give, and what is wrong with those that give nothing."""
    sources = [c for c in service.connections.values() if c.scrape]
    asked = [asyncio.wait_for(_scrape(c), SOURCE_TIMEOUT) for c in sources]
    got = await asyncio.gather(*asked, return_exceptions=True)
    broken = [f"{c.target} gives nothing" for c, samples in zip(sources, got, strict=True) if not _usable(samples)]
    given = frozenset(sample.name for samples in got if not isinstance(samples, BaseException) for sample in samples)
    return given, tuple(broken) if sources else ("it has no source",)


async def _scrape(connection: Connection) -> Sequence[Sample]:
    return await connection.scrape() if connection.scrape else ()


def _usable(samples: Sequence[Sample] | BaseException) -> bool:
    return not isinstance(samples, BaseException) and bool(samples)
