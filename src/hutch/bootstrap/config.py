"""Reads ``hutch.yaml`` into :class:`hutch.model.config.Config`; one clear error for the first thing that is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hutch.bootstrap import probes, values
from hutch.bootstrap.accessing import access_config
from hutch.bootstrap.alerting import alert_policy, maintenance
from hutch.bootstrap.archiving import archive_config, evidence_config
from hutch.bootstrap.calendars import calendar
from hutch.bootstrap.criteria import criteria
from hutch.bootstrap.ingest import ingest_source
from hutch.bootstrap.notify import notify_config
from hutch.bootstrap.oncall import people_config
from hutch.bootstrap.signals import custom, watchdog
from hutch.bootstrap.statuspage import status_page
from hutch.bootstrap.supplied import supplied
from hutch.bootstrap.yamlnodes import ConfigError, Node, read
from hutch.detection.catalogue import catalogue
from hutch.detection.rulecheck import check_rules
from hutch.model.alert import Rule
from hutch.model.approval import ApprovalRule, Autonomy
from hutch.model.calendar import Calendar
from hutch.model.config import Config, CustomSignal, DrillConfig, GuardConfig, Handover, ServiceConfig
from hutch.model.effect import Effect
from hutch.model.quiet import Maintenance
from hutch.model.severity import DEFAULT_POLICY, Policy, Promise, Severity
from hutch.ports import Provider, Setting
from hutch.runbook.errors import RunbookError
from hutch.runbook.rules import rules_from

MODES = ("observe", "act")

TOP: tuple[Setting, ...] = (
    Setting(
        "mode", "text", "`observe` diagnoses and proposes; `act` also applies what a person approves", default="observe"
    ),
    Setting(
        "store",
        "text",
        "folder of the event store, relative to this file, or `postgresql://USER@HOST:PORT/DATABASE` without a "
        "password; the variable HUTCH_DATABASE_URL goes before it",
        default=".hutch",
    ),
    Setting("services", "map", "the services that we operate, by name", required=True),
    Setting("severity", "map", "response time and update cadence by severity, where they differ from the default"),
    Setting("criteria", "list", "by what measured impact which severity is proposed; the severity table by default"),
    Setting("calendar", "map", "business hours and holidays, for promises by the next business day"),
    Setting(
        "alerts",
        "list",
        "alert rules: name, condition, duration, severity, and optionally runbook, labels, annotations, service, "
        "keep_firing_for, no_data, quorum",
    ),
    Setting("ingest", "list", "who may send alerts in: source, token or secret, service"),
    Setting("signals", "list", "numbers of your own for rules, by PromQL, SQL, CloudWatch or a probe"),
    Setting("probes", "list", "looks from outside: HTTP, TCP, DNS, Postgres and Redis, each at its own interval"),
    Setting("location", "text", "what the place is called where `hutch serve` runs its probes", default=probes.LOCAL),
    Setting("alerting", "map", "how alerts become incidents: grouping, flapping, storms, severities, runbooks"),
    Setting("maintenance", "list", "planned windows in which alerts are held back"),
    Setting("watchdog", "map", "a dead man's switch outside that is pinged while Hutch is well: url, every"),
    Setting("notify", "map", "how messages leave: channels, their audiences, links, words that never leave"),
    Setting("status_page", "map", "the public page: title, components, where its files are kept"),
    Setting("people", "map", "who can be paged, by name: their channels"),
    Setting("oncall", "map", "who is on call: schedules with rotations and calendars"),
    Setting("escalation", "map", "who is paged when nobody acknowledges, by severity"),
    Setting("runbooks", "list", "folders or files of Markdown runbooks, relative to this file"),
    Setting("evidence", "map", "where evidence is kept, so that all servers have it; the store's folder by default"),
    Setting("archive", "map", "when resolved incidents leave the store, and where their archives lie"),
    Setting("access", "map", "who may come in: signing in, sessions, an OpenID provider, the address beyond loopback"),
    Setting("guards", "map", "limits on changes: max_hits, per_hour, actions"),
    Setting("approvals", "list", "how many people, and who, must approve which changes; the strictest match counts"),
    Setting("autonomy", "list", "single actions that Hutch may make by itself under one alert; none by default"),
    Setting("time_scale", "float", "divides signal windows, rule durations and the regression watch", default=1.0),
    Setting("scrape_every", "duration", "time between two looks at the signals", default=timedelta(seconds=5)),
    Setting(
        "diagnose_every",
        "duration",
        "time between two diagnoses of a watched service, so that a cause no rule sees opens an incident; 0s: none",
        default=timedelta(seconds=30),
    ),
    Setting("watch_for", "duration", "regression watch after a resolution", default=timedelta(minutes=30)),
    Setting("approval_for", "duration", "how long an approval is waited for", default=timedelta(hours=1)),
    Setting("output_kept", "int", "bytes of one statement's output that are kept on disk", default=16 * 1024 * 1024),
    Setting("evidence_kept", "int", "bytes that one attached piece of evidence may have", default=25 * 1024 * 1024),
    Setting(
        "output_total",
        "int",
        "bytes of all outputs together; past it those of the oldest finished runs go",
        default=512 * 1024 * 1024,
    ),
)
"""Every key of the file, for reading it and for its documentation."""

LONGEST_DRILL = timedelta(hours=1)
"""Nobody forgets for longer that a fault stands."""

SERVICE: tuple[Setting, ...] = (
    Setting("binds", "map", "what hosts, clusters, buckets, programs and files named in documents stand for here"),
    Setting("values", "map", "values for placeholders of documents"),
    Setting("secrets", "map", "variables that hold secrets, and the programs of documents that get them"),
    Setting("runbook", "text", "the DOC#anchor that an alert without a runbook of its own opens", default=""),
    Setting("drills", "map", "which faults `hutch drill start` may put into it: faults, ready_file, longest (10m)"),
)
"""The keys of a service that belong to no provider."""

GUARDS: tuple[Setting, ...] = (
    Setting("max_hits", "int", "the most things (sessions, rows, replicas) that one action may touch", default=50),
    Setting("per_hour", "int", "how often each kind of action may run in an hour", default=10),
    Setting("actions", "map", "own hourly limits by action, for example deploy.rollback: 3"),
)
"""The keys of ``guards``."""


APPROVAL: tuple[Setting, ...] = (
    Setting("approvers", "int", "how many different people must approve", default=1),
    Setting("by", "list", "who may approve; without it anybody"),
    Setting("effect", "text", "matches `change` or `destroy`", default=""),
    Setting("severity", "text", "matches incidents of this severity or worse", default=""),
    Setting("service", "text", "matches this service", default=""),
    Setting("action", "text", "matches this action, such as `deploy.rollback`", default=""),
    Setting("signed_in", "bool", "only approvals of people who signed in count", default=False),
)
"""The keys of an entry of ``approvals``."""

AUTONOMY: tuple[Setting, ...] = (
    Setting("name", "text", "what the policy is called in the log", required=True),
    Setting("action", "text", "the one action that it allows", required=True),
    Setting("alert", "text", "the rule, or cause code, that must be firing", required=True),
    Setting("service", "text", "only for this service", default=""),
    Setting("per_hour", "int", "how often in an hour at most", default=1),
)
"""The keys of an entry of ``autonomy``."""


def load(path: Path, providers: Mapping[str, Provider]) -> Config:
    """Read and check the whole file. Raises :class:`ConfigError`."""
    root = read(path)
    root.only([s.name for s in TOP])
    top = values.settings(_scalars(root), [s for s in TOP if s.kind not in ("map", "list")])
    if top["mode"] not in MODES:
        raise root.child("mode").fail(f"expected one of {', '.join(MODES)}, found {top['mode']!r}")
    if not root.child("services").mapping():
        raise root.child("services").fail("names no service; add one, for example services: {shop: {http: {url: …}}}")
    location = probes.place(root.child("location"), str(top["location"]))
    services = {n: _service(n, node, providers) for n, node in root.child("services").mapping().items()}
    signals = _signals(root.child("signals"))
    hours = calendar(root.child("calendar"))
    looks = probes.read_probes(root.child("probes"), services, location)
    rules = _rules(root.child("alerts"), signals)
    probes.check_quorums(str(path), rules, looks, signals)
    notify = notify_config(root.child("notify"))
    return Config(
        path=str(path),
        mode=str(top["mode"]),
        store=str(top["store"]),
        services=services,
        policy=_policy(root.child("severity"), hours),
        criteria=criteria(root.child("criteria"), {name: s.unit for name, s in catalogue(signals).items()}),
        calendar=hours,
        rules=rules,
        runbooks=tuple(values.texts(root.child("runbooks"))),
        guards=_guards(root.child("guards")),
        approvals=tuple(_approval(n) for n in root.child("approvals").items()),
        autonomy=tuple(_autonomy(n) for n in root.child("autonomy").items()),
        time_scale=_positive(root.child("time_scale"), top["time_scale"]),
        scrape_every=_duration(top["scrape_every"]),
        diagnose_every=_duration(top["diagnose_every"]),
        watch_for=_duration(top["watch_for"]),
        approval_for=_duration(top["approval_for"]),
        output_kept=int(_positive(root.child("output_kept"), top["output_kept"])),
        output_total=int(_positive(root.child("output_total"), top["output_total"])),
        evidence_kept=int(_positive(root.child("evidence_kept"), top["evidence_kept"])),
        signals=signals,
        watchdog=watchdog(root.child("watchdog")),
        alerting=alert_policy(root.child("alerting")),
        ingest=tuple(ingest_source(n) for n in root.child("ingest").items()),
        location=location,
        probes=looks,
        maintenance=tuple(_maintained(n, services) for n in root.child("maintenance").items()),
        notify=notify,
        status_page=status_page(root.child("status_page"), services, notify),
        people=people_config(root, notify),
        access=access_config(root.child("access")),
        evidence=evidence_config(root.child("evidence")),
        archive=archive_config(root.child("archive")),
    )


def _scalars(root: Node) -> Node:
    """The top level without its blocks, which have readers of their own."""
    blocks = {s.name for s in TOP if s.kind in ("map", "list")}
    return Node(root.path, root.where, root.line, {k: n for k, n in root.mapping().items() if k not in blocks})


def _service(name: str, node: Node, providers: Mapping[str, Provider]) -> ServiceConfig:
    own = [s.name for s in SERVICE]
    node.only([*own, *providers])
    targets = {
        key: values.settings(child, providers[key].settings)
        for key, child in node.mapping().items()
        if key in providers
    }
    return ServiceConfig(
        name=name,
        targets=targets,
        binds={k: _binding(n) for k, n in node.child("binds").mapping().items()},
        values=values.text_map(node.child("values")),
        secrets={k: _handed(k, n) for k, n in node.child("secrets").mapping().items()},
        runbook=values.text(node.child("runbook")) if "runbook" in node.mapping() else "",
        drills=_drills(node.child("drills")),
    )


def _drills(node: Node) -> DrillConfig:
    """``{faults: [NAME], ready_file: FILE, longest: 10m}``: nothing may be broken on purpose that is not named here."""
    node.only(["faults", "ready_file", "longest"])
    known, usual = node.mapping(), DrillConfig()
    longest = values.duration(known["longest"]) if "longest" in known else usual.longest
    if not timedelta(0) < longest <= LONGEST_DRILL:
        raise known["longest"].fail("a drill stands for more than 0 s and no longer than 1h")
    ready_file = values.text(known["ready_file"]) if "ready_file" in known else ""
    return DrillConfig(tuple(values.texts(node.child("faults"))), ready_file, longest)


def _handed(name: str, node: Node) -> Handover:
    """``{env: NAME, programs: [gh]}`` or ``{file: PATH, programs: [gh]}``."""
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise node.fail(f"a secret is called as the variable that a program gets, such as DEPLOY_TOKEN, not {name!r}")
    if not isinstance(node.value, dict):
        raise node.fail("a secret is not written in this file: use {env: NAME, programs: […]}")
    node.only(["env", "file", "programs"])
    programs = tuple(values.texts(node.child("programs")))
    if not programs:
        raise node.fail("say which programs get it: programs: [gh]")
    kept = {k: n for k, n in node.mapping().items() if k != "programs"}
    return Handover(values.secret(Node(node.path, node.where, node.line, kept)), programs)


def _binding(node: Node) -> str:
    """What a name stands for; a file that is supplied by its path is read now."""
    try:
        return supplied(values.text(node), Path(node.path).parent)
    except ValueError as error:
        raise node.fail(str(error)) from error


def _maintained(node: Node, services: Mapping[str, ServiceConfig]) -> Maintenance:
    found = maintenance(node)
    if found.service and found.service not in services:
        raise node.child("service").fail(f"unknown service {found.service!r}; configured: {', '.join(services)}")
    return found


def _policy(node: Node, hours: Calendar) -> Policy:
    policy = {severity: replace(promise, calendar=hours) for severity, promise in DEFAULT_POLICY.items()}
    for key, child in node.mapping().items():
        try:
            severity = Severity.of(key)
        except ValueError as error:
            raise child.fail(str(error)) from error
        child.only(["response", "update"])
        given = child.mapping()
        base = policy[severity]
        response = values.duration(given["response"]) if "response" in given else base.response
        update = values.duration(given["update"]) if "update" in given else base.update
        policy[severity] = Promise(response, update, base.next_business_day and "response" not in given, hours)
    return policy


def _signals(node: Node) -> tuple[CustomSignal, ...]:
    found: dict[str, CustomSignal] = {}
    for row in node.items():
        signal = custom(row)
        if signal.name in found:
            raise row.fail(f"{signal.name} was defined in line {found[signal.name].line} already")
        found[signal.name] = signal
    return tuple(found.values())


def _rules(node: Node, signals: Sequence[CustomSignal]) -> tuple[Rule, ...]:
    rows = node.items()
    try:
        rules = rules_from([values.plain_map(n) for n in rows], [n.line for n in rows])
    except RunbookError as error:
        raise ConfigError(node.path, error.line, f"alerts: {error.message}") from error
    for fault in check_rules(rules, catalogue(signals)):
        raise ConfigError(node.path, fault.line, f"alerts: rule {fault.rule!r}: {fault.message}")
    return rules


def _guards(node: Node) -> GuardConfig:
    found = values.settings(node, GUARDS)
    limits = {k: values.integer(n) for k, n in node.child("actions").mapping().items()}
    return GuardConfig(int(str(found["max_hits"])), int(str(found["per_hour"])), limits)


def _approval(node: Node) -> ApprovalRule:
    found = values.settings(node, APPROVAL)
    effect, severity = str(found["effect"]), str(found["severity"])
    if effect not in ("", "change", "destroy"):
        raise node.child("effect").fail(f"expected change or destroy, found {effect!r}")
    try:
        level = Severity.of(severity) if severity else None
    except ValueError as error:
        raise node.child("severity").fail(str(error)) from error
    approvers, by = int(str(found["approvers"])), tuple(str(p) for p in found["by"] or ())  # type: ignore[attr-defined]
    if approvers < 1 or (by and len(set(by)) < approvers):
        raise node.fail(
            f"{approvers} approvers out of {len(set(by)) or 'anybody'}: expected at least 1, and enough people"
        )
    return ApprovalRule(
        approvers,
        by,
        Effect.of(effect) if effect else None,
        level,
        str(found["service"]),
        str(found["action"]),
        bool(found["signed_in"]),
    )


def _autonomy(node: Node) -> Autonomy:
    found = values.settings(node, AUTONOMY)
    per_hour = int(str(found["per_hour"]))
    if per_hour < 1:
        raise node.child("per_hour").fail("expected a whole number from 1; leave the entry out to allow nothing")
    return Autonomy(str(found["name"]), str(found["action"]), str(found["alert"]), str(found["service"]), per_hour)


def _positive(node: Node, value: object) -> float:
    number = float(str(value))
    if number <= 0:
        raise node.fail("expected a number above 0")
    return number


def _duration(value: object) -> timedelta:
    assert isinstance(value, timedelta)
    return value
