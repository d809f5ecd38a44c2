"""What matchers may ask of an alert, and what a message that a source sent is completed to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from hutch.model.alert import Alert, Rule, digest_of
from hutch.model.config import SEVERITIES
from hutch.model.quiet import Facts
from hutch.model.severity import Severity

SERVICE_LABELS = ("service", "job", "app", "application", "namespace")
"""The labels that may name a service, in this order."""

SEVERITY_LABELS = ("severity", "priority", "level")

LABELS, NAME, VALUE, SUMMARY = 64, 100, 1000, 2000
"""The most labels (and annotations) of an alert, and the most characters of a name, of a value and of a summary."""


def facts(alert: Alert, rules: Iterable[Rule]) -> Facts:
    """The labels, and the names of :mod:`hutch.model.quiet`."""
    cause = alert.labels.get("cause", alert.rule if "." in alert.rule and " " not in alert.rule else "")
    return {
        **alert.labels,
        **named(alert.rule, alert.service, rules),
        "severity": alert.level.label,
        "source": alert.source,
        "cause": cause,
    }


def named(rule: str, service: str, rules: Iterable[Rule]) -> dict[str, str]:
    """What the name of a rule alone tells."""
    found = rule_of(rule, service, rules)
    cause = rule if "." in rule and " " not in rule else ""
    signal = found.condition.signal if found else ""
    return {"rule": rule, "alertname": rule, "service": service, "signal": signal, "cause": cause}


def rule_of(name: str, service: str, rules: Iterable[Rule]) -> Rule | None:
    """The rule of ours by that name, for that service."""
    return next((r for r in rules if r.name == name and r.meant_for(service)), None)


def completed(
    alert: Alert, services: Sequence[str], rules: Iterable[Rule], severities: Mapping[str, Severity] = SEVERITIES
) -> Alert:
    """``alert`` with its service and severity, its source's key digested, its texts such as every store can hold.

    A time without a zone is taken as UTC. A service that nobody configured stays as it is named: an alert is never
    dropped for that.
    """
    name, labels = clean(alert.rule, 200) or "unnamed alert", _texts(alert.labels, VALUE)
    service = _service(clean(alert.service, NAME), labels, services)
    rule = rule_of(name, service, rules)
    return Alert(
        rule=name,
        service=service,
        severity=(rule.severity if rule else None) or alert.severity or _severity(labels, severities),
        summary=clean(alert.summary, SUMMARY),
        value=alert.value,
        given=digest_of(alert.given),
        labels=labels,
        annotations=_texts(alert.annotations, SUMMARY),
        source=clean(alert.source, NAME),
        url=clean(alert.url, SUMMARY),
        starts_at=_zoned(alert.starts_at),
        ends_at=_zoned(alert.ends_at) if alert.ends_at else None,
        since=_zoned(alert.since) if alert.since else None,
    )


def _service(said: str, labels: Mapping[str, str], services: Sequence[str]) -> str:
    hints = (said, *(labels.get(name, "") for name in SERVICE_LABELS))
    known = next((hint for hint in hints if hint in services), "")
    if known or said:
        return known or said
    return services[0] if len(services) == 1 else next((hint for hint in hints if hint), "unknown")


def _severity(labels: Mapping[str, str], severities: Mapping[str, Severity]) -> Severity | None:
    words = (labels.get(name, "").strip() for name in SEVERITY_LABELS)
    return next((found for word in words if (found := severity_word(word, severities)) is not None), None)


def severity_word(word: str, severities: Mapping[str, Severity] = SEVERITIES) -> Severity | None:
    """The severity that a word stands for: ``SEV-2``, ``critical``, ``P1``; None for another.

    >>> severity_word("P2"), severity_word("odd")
    (<Severity.SEV2: 2>, None)
    """
    lower = word.strip().lower()
    if lower in severities:
        return severities[lower]
    digits = lower.removeprefix("sev").removeprefix("p").lstrip("- ")
    return Severity(int(digits)) if digits in {"1", "2", "3", "4"} else None


# ------------------------------------------------------------------ untrusted text


def clean(text: str, most: int) -> str:
    """At most so many characters, none that a database cannot hold."""
    text = text[:most]
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")


def _texts(given: Mapping[str, str], most: int) -> dict[str, str]:
    kept = sorted(given.items())[:LABELS]
    return {clean(name, NAME): clean(value, most) for name, value in kept}


def _zoned(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
