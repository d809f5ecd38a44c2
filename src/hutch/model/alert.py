"""Alert rules and alerts: one firing of a rule, keyed by fingerprint and start (DESIGN §1)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hutch.model.severity import Severity


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
    """A condition that must hold for a duration to fire. ``line`` is where it was written."""

    name: str
    condition: Condition
    duration: timedelta
    severity: Severity
    line: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    runbook: str = ""  # the DOC#anchor that it opens, empty for the service's default


@dataclass(frozen=True, slots=True)
class Alert:
    """One firing. ``ends_at`` is set once the condition no longer holds."""

    rule: str
    service: str
    severity: Severity
    starts_at: datetime
    summary: str
    value: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    ends_at: datetime | None = None

    @property
    def fingerprint(self) -> str:
        """Stable identity of what fires (rule, service, labels), not of one firing."""
        identity = json.dumps([self.rule, self.service, dict(sorted(self.labels.items()))])
        return hashlib.sha256(identity.encode()).hexdigest()[:16]

    @property
    def key(self) -> str:
        """Identity of this firing: fingerprint and start."""
        return f"{self.fingerprint}@{self.starts_at.isoformat()}"
