"""The configuration as values. Only ``hutch.bootstrap`` reads the file that they come from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from hutch.model.accessing import AccessConfig
from hutch.model.alert import Rule
from hutch.model.approval import ApprovalRule, Autonomy
from hutch.model.calendar import Calendar
from hutch.model.impact import DEFAULT_CRITERIA, Criterion
from hutch.model.ingest import IngestSource
from hutch.model.message import NotifyConfig
from hutch.model.oncall import PeopleConfig
from hutch.model.probe import ProbeConfig
from hutch.model.quiet import INHIBITIONS, Inhibition, Maintenance
from hutch.model.retention import ArchiveConfig, SharedPlace
from hutch.model.severity import DEFAULT_POLICY, Policy, Severity
from hutch.model.statuspage import StatusPageConfig


@dataclass(frozen=True, slots=True)
class GuardConfig:
    """Limits on changes (DESIGN §4): what one action may hit, how often an action may run in an hour."""

    max_hits: int = 50
    per_hour: int = 10
    actions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CustomSignal:
    """A signal of one's own: a number that a source of the service is asked for, or the success of a probe.

    ``kind`` is the language of ``query`` (``promql``, ``sql``, ``cloudwatch``), or ``probe`` and the probe's name.
    What was answered counts for ``window``; it is asked again after ``every``. ``service`` is the only one that has it
    (empty: each). The time scale divides ``window`` and ``every``.
    """

    name: str
    unit: str
    kind: str
    query: str
    window: timedelta = timedelta(minutes=1)
    every: timedelta = timedelta(seconds=15)
    service: str = ""
    doc: str = ""
    line: int = 0

    def meant_for(self, service: str) -> bool:
        """Whether that service has it."""
        return self.service in ("", service)


SEVERITIES: Mapping[str, Severity] = {
    "critical": Severity.SEV1, "page": Severity.SEV1, "emergency": Severity.SEV1, "fatal": Severity.SEV1,
    "error": Severity.SEV2, "high": Severity.SEV2, "major": Severity.SEV2,
    "warning": Severity.SEV3, "medium": Severity.SEV3, "minor": Severity.SEV3,
    "info": Severity.SEV4, "low": Severity.SEV4, "notice": Severity.SEV4,
}  # fmt: skip
"""What the words that other tools use for how bad an alert is are here."""


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """How alerts become incidents. The time scale divides ``window``, ``flap_window`` and ``settle``.

    An alert joins an open incident of its service while that one's alerts fire or changed within ``window``. What fired
    ``flaps`` times within ``flap_window`` comes and goes: it is held back until it was still for ``settle``. Of an
    incident's alerts the first ``listed`` are told one by one, the rest is counted.
    """

    window: timedelta = timedelta(minutes=30)
    flaps: int = 4
    flap_window: timedelta = timedelta(minutes=30)
    settle: timedelta = timedelta(minutes=10)
    listed: int = 25
    severities: Mapping[str, Severity] = field(default_factory=lambda: dict(SEVERITIES))
    runbooks: Mapping[str, str] = field(default_factory=dict)
    inhibitions: tuple[Inhibition, ...] = INHIBITIONS


@dataclass(frozen=True, slots=True)
class Watchdog:
    """A dead man's switch outside: ``url`` (a reference to a secret) is asked for every so often while all is well."""

    url: str
    every: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Handover:
    """A secret that programs of a service's runbooks get as a variable of their environment. ``reference`` says where
    it is (``env:NAME``, ``file:PATH``), never what it is; ``programs`` are the only ones that get it."""

    reference: str
    programs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DrillConfig:
    """What may be broken on purpose in a service of one's own: ``faults`` by name, for ``longest`` at most;
    ``ready_file``, relative to the configuration, tells their processes where the service is."""

    faults: tuple[str, ...] = ()
    ready_file: str = ""
    longest: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """A service: its targets by provider (validated settings, secrets still references) and its bindings.

    ``binds`` maps hosts, clusters, programs … of documents to what they stand for here, ``values`` placeholders to
    their values, ``secrets`` variables to what is handed over to programs. ``runbook`` is the DOC#anchor that an alert
    without one of its own opens.
    """

    name: str
    targets: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    binds: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Handover] = field(default_factory=dict)
    runbook: str = ""
    drills: DrillConfig = field(default_factory=DrillConfig)

    def fingerprint(self) -> str:
        """SHA-256 over what decides where a statement goes: targets, bindings, values. Secrets are references here."""
        handed = {name: [one.reference, *one.programs] for name, one in self.secrets.items()}
        parts = [self.name, {k: dict(v) for k, v in self.targets.items()}, dict(self.binds), dict(self.values), handed]
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
    criteria: tuple[Criterion, ...] = DEFAULT_CRITERIA
    calendar: Calendar = field(default_factory=Calendar)
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
    evidence_kept: int = 25 * 1024 * 1024
    alerting: AlertPolicy = field(default_factory=AlertPolicy)
    maintenance: tuple[Maintenance, ...] = ()
    ingest: tuple[IngestSource, ...] = ()
    signals: tuple[CustomSignal, ...] = ()
    location: str = "local"
    probes: tuple[ProbeConfig, ...] = ()
    watchdog: Watchdog | None = None
    notify: NotifyConfig = field(default_factory=NotifyConfig)
    people: PeopleConfig = field(default_factory=PeopleConfig)
    status_page: StatusPageConfig | None = None
    access: AccessConfig = field(default_factory=AccessConfig)
    archive: ArchiveConfig = field(default_factory=ArchiveConfig)
    evidence: SharedPlace = field(default_factory=SharedPlace)

    def scaled(self, real: timedelta) -> timedelta:
        """A duration that the time scale divides."""
        return real / self.time_scale
