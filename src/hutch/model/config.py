"""The configuration as values. Only ``hutch.bootstrap`` reads the file that they come from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from hutch.model.alert import Rule
from hutch.model.approval import ApprovalRule, Autonomy
from hutch.model.severity import DEFAULT_POLICY, Policy


@dataclass(frozen=True, slots=True)
class GuardConfig:
    """Limits on changes (DESIGN §4): what one action may hit, how often an action may run in an hour."""

    max_hits: int = 50
    per_hour: int = 10
    actions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """A service: its targets by provider (validated settings, secrets still references) and its bindings.

    ``binds`` maps hosts, clusters, programs … of documents to what they stand for here, ``values`` placeholders to
    their values. ``runbook`` is the DOC#anchor that an alert without one of its own opens.
    """

    name: str
    targets: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    binds: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    runbook: str = ""

    def fingerprint(self) -> str:
        """SHA-256 over what decides where a statement goes: targets, bindings, values. Secrets are references here."""
        parts = [self.name, {k: dict(v) for k, v in self.targets.items()}, dict(self.binds), dict(self.values)]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Config:
    """All of ``hutch.yaml``. Durations are real times; ``time_scale`` divides signal windows, rule durations,
    ``diagnose_every`` and the regression watch, for demonstrations and drills. ``runbooks`` are folders or files of
    Markdown.
    """

    path: str = ""
    mode: str = "observe"
    store: str = ".hutch"
    services: Mapping[str, ServiceConfig] = field(default_factory=dict)
    policy: Policy = field(default_factory=lambda: dict(DEFAULT_POLICY))
    rules: tuple[Rule, ...] = ()
    runbooks: tuple[str, ...] = ()
    guards: GuardConfig = field(default_factory=GuardConfig)
    approvals: tuple[ApprovalRule, ...] = ()
    autonomy: tuple[Autonomy, ...] = ()
    time_scale: float = 1.0
    scrape_every: timedelta = timedelta(seconds=5)
    diagnose_every: timedelta = timedelta(seconds=30)
    watch_for: timedelta = timedelta(minutes=30)
    approval_for: timedelta = timedelta(hours=1)
    output_kept: int = 16 * 1024 * 1024
    output_total: int = 512 * 1024 * 1024

    def scaled(self, real: timedelta) -> timedelta:
        """A duration that the time scale divides."""
        return real / self.time_scale
