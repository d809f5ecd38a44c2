"""Where every rule stands, whichever process judges it: read from what that one keeps for the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from hutch.commands.context import Context
from hutch.commands.watched import UNJUDGED, RuleView, SignalView, Watched, watched_from
from hutch.detection.catalogue import catalogue
from hutch.detection.rules import threshold
from hutch.detection.signals import SignalSpec
from hutch.model.alert import Rule
from hutch.model.event import instant

SILENT = timedelta(seconds=30)
"""What is kept is renewed every few seconds; when it is older than this, and three looks, nobody judges the rules."""


async def watched(context: Context, service: str) -> tuple[Watched, bool]:
    """A service as this process sees it, or the one that watches; and False where none does."""
    here = context.board.watched.get(service)
    if here:
        return here, True
    specs, rules = _configured(context, service)
    stale = context.clock.now() - SILENT - 3 * context.config.scrape_every
    for data in await _kept(context, service):
        with suppress(ValueError, KeyError, TypeError):
            found = watched_from(data, specs.values(), rules)
            if found.at > stale:
                return found, True
    return _unwatched(context, service, specs, rules), False


async def listing(context: Context, service: str = "") -> list[dict[str, Any]]:
    """A row for each rule of each service: its state, since when, and the value that it was judged by."""
    names = [context.service(service).name] if service else list(context.services)
    found = [await watched(context, name) for name in names]
    return [row for one, known in found for row in _rows(one, known)]


def _rows(found: Watched, known: bool) -> Iterator[dict[str, Any]]:
    for signal in found.signals:
        for view in signal.rules:
            since = view.since if view.word != "inactive" else None
            yield {
                "service": found.service,
                "rule": view.rule.name,
                "severity": view.rule.severity.label,
                "condition": str(view.rule.condition),
                "state": view.word,
                "since": instant(since) if since else "",
                "value": signal.value,
                "unit": signal.unit,
                "judged_at": instant(found.at) if known else "",
                "judged_by": found.by if known else "",
            }


async def _kept(context: Context, service: str) -> list[Mapping[str, Any]]:
    return await context.watches.latest([service]) if context.watches else []


def _configured(context: Context, service: str) -> tuple[Mapping[str, SignalSpec], list[Rule]]:
    specs = catalogue(context.config.signals, service)
    return specs, [r for r in context.config.rules if r.meant_for(service) and r.condition.signal in specs]


def _unwatched(context: Context, service: str, specs: Mapping[str, SignalSpec], rules: list[Rule]) -> Watched:
    views = [RuleView(rule, UNJUDGED, None, threshold(rule, specs)) for rule in rules]
    signals = [
        SignalView(s.name, s.unit, s.doc, None, tuple(v for v in views if v.rule.condition.signal == s.name))
        for s in specs.values()
    ]
    return Watched(service, context.clock.now(), tuple(signals))
