"""What an incident is told of an alert, and the runbook that the alert names itself."""

from __future__ import annotations

import re
from datetime import timedelta
from importlib import resources
from pathlib import Path

from hutch.commands.context import Context
from hutch.detection import grouping, standing
from hutch.detection.facts import rule_of
from hutch.model.alert import Alert, Rule
from hutch.model.config import Config
from hutch.model.event import Draft, instant

LABELS_SHOWN, SHOWN = 16, 100
"""Labels, and characters of each, that an incident's own event repeats; the alert's stream has them all."""

_NAMED = re.compile(r"\w[\w.-]{0,99}")


def fired(config: Config, alert: Alert) -> Draft:
    """The event of an incident that an alert joined it."""
    rule = _rule(config, alert)
    data: dict[str, object] = {
        "key": alert.key,
        "rule": alert.rule,
        "severity": alert.level.label,
        "value": alert.value,
        "unit": rule.condition.unit if rule else "",
        "threshold": rule.condition.threshold if rule else None,
        "starts_at": instant(alert.starts_at),
        "since": instant(alert.since or alert.starts_at),
        "summary": alert.summary,
        "family": grouping.family(alert),
    }
    if alert.source != "hutch":
        shown = {name: value[:SHOWN] for name, value in list(alert.labels.items())[:LABELS_SHOWN]}
        data |= {"source": alert.source, "url": alert.url, "labels": shown}
    return Draft("alert.fired", data)


def _rule(config: Config, alert: Alert) -> Rule | None:
    found = rule_of(alert.rule, alert.service, config.rules)
    cause = alert.source == "hutch" and "." in alert.rule and " " not in alert.rule
    return found or (standing.rule_for(alert.rule) if cause else None)


def runbook_of(context: Context, alert: Alert) -> str:
    """The DOC#anchor that is known at once: by annotation, rule, label, the configuration, or its service's.

    Empty: what answers it is looked for when the incident is answered.
    """
    rule = rule_of(alert.rule, alert.service, context.config.rules)
    service = context.services.get(alert.service)
    places = (
        _known(context, alert.annotations.get("runbook", "")),
        _known(context, alert.annotations.get("runbook_url", "")),
        rule.runbook if rule else "",
        _known(context, alert.labels.get("runbook", "")),
        context.config.alerting.runbooks.get(alert.rule, ""),
        service.config.runbook if service else "",
    )
    return next((place for place in places if place), "")


def _known(context: Context, text: str) -> str:
    """The reference in a text from outside. An address counts where there is such a document: a page of some wiki is
    none of ours. A plain name counts as it is: where it is wrong, the incident says so."""
    found = reference(text)
    name = found.partition("#")[0].removesuffix(".md")
    return found if "://" not in text or _is_there(context.config, name) else ""


def _is_there(config: Config, name: str) -> bool:
    base = Path(config.path).parent if config.path else Path()
    if Path(str(resources.files("hutch.library"))).joinpath(f"{name}.md").is_file():
        return True
    places = (base / folder for folder in config.runbooks)
    return any(p.stem == name if p.is_file() else any(p.rglob(f"{name}.md")) for p in places)


def reference(text: str) -> str:
    """The DOC#anchor that a text from outside names: a bare name, never a path; an address names a document of ours
    where it ends in ``.md``, and is a link for people otherwise.

    >>> reference("https://wiki.example/runbooks/db.md#high-cpu"), reference("../x/db.md"), reference("https://a/b")
    ('db.md#high-cpu', 'db.md', '')
    """
    name, _, anchor = text.partition("#")
    document = name.rstrip("/").rpartition("/")[2]
    fits = _NAMED.fullmatch(document) and (document.endswith(".md") or "://" not in text)
    if not fits or (anchor and not _NAMED.fullmatch(anchor)):
        return ""
    return f"{document}#{anchor}" if anchor else document


def minutes(length: timedelta) -> str:
    """``9 min 20 s``, ``40 s``."""
    seconds = int(length.total_seconds())
    rest = f" {seconds % 60} s" if seconds % 60 else ""
    return f"{seconds // 60} min{rest}" if seconds >= 60 else f"{seconds} s"
