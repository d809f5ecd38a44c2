"""What is wrong with the alert rules of a configuration and of its documents, and where each is written."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hutch.commands.context import Context, Service
from hutch.commands.documents import load_document, names
from hutch.commands.sources import Sources, refusal
from hutch.detection.catalogue import catalogue
from hutch.detection.history import History
from hutch.detection.rulecheck import check_rules
from hutch.detection.signals import SIGNALS, SignalSpec
from hutch.model.alert import Rule
from hutch.model.config import Config

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
    specs = catalogue(config.signals)
    found = [_refused(_no_runbook(c, default), config) for c in of_rules(config.rules, place, specs)]
    for path in names(config.runbooks, base).values():
        found += of_document(str(path), base, specs)
    return found


def of_document(reference: str, base: Path | None = None, specs: Mapping[str, SignalSpec] = SIGNALS) -> list[Checked]:
    """The rules of one document. Raises ``CommandError`` where it cannot be read."""
    document = load_document(reference, (), base)
    return of_rules(document.rules, reference, specs)


def _refused(checked: Checked, config: Config) -> Checked:
    """A rule over a signal that must not be asked for is never judged."""
    signal = next((s for s in config.signals if s.name == checked.rule.condition.signal), None)
    why = refusal(signal) if signal else ""
    return replace(checked, errors=(*checked.errors, f"{signal.name}: {why}")) if signal and why else checked


def of_rules(rules: Sequence[Rule], place: str, specs: Mapping[str, SignalSpec] = SIGNALS) -> list[Checked]:
    """Rules that belong together, with what is wrong in themselves: signals, units, operators, names."""
    wrong = check_rules(rules, specs)
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
    given = await asyncio.gather(*(_given(context, service) for service in services))
    seen = {service.name: one for service, one in zip(services, given, strict=True)}
    return [_sourced(c, seen) for c in found]


@dataclass(frozen=True, slots=True)
class Given:
    """What a service's sources give: the names of metrics, and what is wrong with those that give nothing."""

    specs: Mapping[str, SignalSpec]
    metrics: frozenset[str]
    troubles: tuple[str, ...]


async def _given(context: Context, service: Service) -> Given:
    history, specs = History(), catalogue(context.config.signals, service.name)
    sources = Sources(context, service, history)
    await sources.look(SOURCE_TIMEOUT)
    await sources.close()
    scraped = [c.target for c in service.connections.values() if c.scrape]
    silent = [f"{target} gives nothing" for target in scraped if not history.has(target)]
    troubles = [f"{name}: {why}" for name, why in sources.troubles.items()]
    found = (troubles or silent) if scraped else ["it has no source", *troubles]
    return Given(specs, history.metrics(), tuple(found))


def _sourced(checked: Checked, seen: Mapping[str, Given]) -> Checked:
    if checked.errors:
        return checked
    lacking = []
    for service, given in seen.items():
        spec = given.specs.get(checked.rule.condition.signal)
        if spec is None or not checked.rule.meant_for(service) or spec.name in given.metrics:
            continue
        missing = [m for m in spec.metrics if m not in given.metrics]
        if missing:
            why = f" ({'; '.join(given.troubles)})" if given.troubles else ""
            lacking.append(f"no source of {service} gives {' and '.join(missing)}{why}")
    return replace(checked, errors=(*checked.errors, *lacking))
