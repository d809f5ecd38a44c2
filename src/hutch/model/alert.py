"""Alert rules and alerts: one firing of a rule, keyed by fingerprint and start (DESIGN §1)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hutch.model.severity import Severity

FINGERPRINT = 16
"""Hexadecimal digits of a fingerprint: 64 bits, so that among a million different ones none is likely to collide."""

DIGESTED = "sha256:"
"""Before a source's key that was digested."""

UNKNOWN_SEVERITY = Severity.SEV3
"""What an alert is taken for when neither it, a rule nor a label says how bad it is."""

UNKNOWN_START = datetime.min.replace(tzinfo=UTC)
"""The start of a resolution whose source does not say when the firing began."""


@dataclass(frozen=True, slots=True)
class Condition:
    """``signal`` compared with ``threshold``: ``error_rate > 5%`` is ("error_rate", ">", 5.0, "%")."""

    signal: str
    op: str  # one of > >= < <= == !=
    threshold: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.signal} {self.op} {self.threshold:g}{self.unit}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition that must hold for a duration to fire. ``line`` is where it was written.

    ``keep_firing_for`` holds a firing that long after the condition ended; ``no_data`` is after how long without data
    that is an alert of its own; ``service`` is the only one that it is for (empty: each).
    """

    name: str
    condition: Condition
    duration: timedelta
    severity: Severity
    line: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    runbook: str = ""  # the DOC#anchor that it opens, empty for the service's default
    annotations: Mapping[str, str] = field(default_factory=dict)
    service: str = ""
    keep_firing_for: timedelta = timedelta(0)
    no_data: timedelta | None = None
    quorum: int = 0  # places that must see a probe fail before it counts as failing; 0: each place counts by itself
    places: int = 0  # out of so many, where that was written: checked against the probes

    def meant_for(self, service: str) -> bool:
        """Whether it is judged for that service."""
        return self.service in ("", service)


@dataclass(frozen=True, slots=True)
class Alert:
    """One firing of one thing, from Hutch's own rules or from any other source, in the one form that all take.

    ``rule`` is what its source calls it (Alertmanager's ``alertname``), ``source`` who sent it (``hutch``,
    ``alertmanager``, ``grafana``, …). ``ends_at`` is set once it is resolved: an alert with ``ends_at`` *is* the
    resolution of the firing with the same :attr:`key`. ``starts_at`` is aware, in UTC.

    What a source may not know is a hint that :func:`hutch.commands.alerts.receive` completes: ``service`` (empty:
    by the labels, else the only one configured), ``severity`` (None: by the rule of that name, the label ``severity``,
    else the default). ``given`` is the source's own fingerprint or deduplication key, scoped to it (PagerDuty's key by
    its routing key: ``{routing}:{dedup_key}``); without it the fingerprint is made of rule, service and labels.
    A source that sends no start with a resolution leaves ``starts_at`` at :data:`UNKNOWN_START`: it ends whatever of
    that fingerprint fires. ``since`` is when the trouble began, where that is known to be before ``starts_at``.
    ``url`` leads back to the source. All texts are untrusted.
    """

    rule: str
    service: str
    severity: Severity | None
    starts_at: datetime
    summary: str
    value: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    ends_at: datetime | None = None
    source: str = "hutch"
    annotations: Mapping[str, str] = field(default_factory=dict)
    given: str = ""
    since: datetime | None = None
    url: str = ""
    _fingerprint: str = field(default="", init=False, repr=False, compare=False)  # asked for often, made once

    def with_texts(self, change: Callable[[str], str]) -> Alert:
        """The same with every text that people see, and every label's value, changed: to mask secrets."""
        labels = {name: change(value) for name, value in self.labels.items()}
        notes = {name: change(value) for name, value in self.annotations.items()}
        rule, summary, url = change(self.rule), change(self.summary), change(self.url)
        found = (rule, summary, url, labels, notes)
        if found == (self.rule, self.summary, self.url, self.labels, self.annotations):
            return self
        return replace(self, rule=rule, summary=summary, url=url, labels=labels, annotations=notes)

    @property
    def level(self) -> Severity:
        """Its severity; :data:`UNKNOWN_SEVERITY` where nobody knows better."""
        return self.severity or UNKNOWN_SEVERITY

    @property
    def firing(self) -> bool:
        """Whether this says that it fires; else it says that it ended."""
        return self.ends_at is None

    @property
    def fingerprint(self) -> str:
        """Stable identity of what fires, not of one firing: of the source's own key, else of rule, service, labels."""
        if not self._fingerprint:
            own = [self.rule, self.service, dict(sorted(self.labels.items()))]
            identity = json.dumps([self.source, digest_of(self.given)] if self.given else own)
            made = hashlib.sha256(identity.encode()).hexdigest()[:FINGERPRINT]
            object.__setattr__(self, "_fingerprint", made)
        return self._fingerprint

    def known_as(self, fingerprint: str) -> Alert:
        """The same under the identity that it had when its texts were still all there: some may be erased by now."""
        object.__setattr__(self, "_fingerprint", fingerprint)
        return self

    @property
    def key(self) -> str:
        """Identity of this firing: fingerprint and start. Delivered twice, it is the same."""
        return f"{self.fingerprint}@{self.starts_at.isoformat()}"


def digest_of(given: str) -> str:
    """A source's own key in the form that is stored, since it may hold a secret (PagerDuty's routing key is one)."""
    if given.startswith(DIGESTED) or not given:
        return given
    return DIGESTED + hashlib.sha256(given.encode(errors="replace")).hexdigest()
