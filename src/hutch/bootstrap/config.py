"""Reads ``hutch.yaml`` into :class:`hutch.model.config.Config`; one clear error for the first thing that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from hutch.bootstrap import values
from hutch.bootstrap.yamlnodes import ConfigError, Node, read
from hutch.detection.rules import check_rules
from hutch.model.alert import Rule
from hutch.model.config import Config, GuardConfig, ServiceConfig
from hutch.model.severity import DEFAULT_POLICY, Policy, Promise, Severity
from hutch.ports import Provider, Setting
from hutch.runbook.errors import RunbookError
from hutch.runbook.rules import rules_from

MODES = ("observe", "act")

TOP: tuple[Setting, ...] = (
    Setting(
        "mode", "text", "`observe` diagnoses and proposes; `act` also applies what a person approves", default="observe"
    ),
    Setting("store", "text", "folder of the event store, relative to this file", default=".hutch"),
    Setting("services", "map", "the services that we operate, by name", required=True),
    Setting("severity", "map", "response time and update cadence by severity, where they differ from the default"),
    Setting("alerts", "list", "alert rules: name, condition, duration, severity, runbook"),
    Setting("runbooks", "list", "folders or files of Markdown runbooks, relative to this file"),
    Setting("guards", "map", "limits on changes: max_hits, per_hour, actions"),
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
)
"""Every key of the file, for reading it and for its documentation."""

SERVICE: tuple[Setting, ...] = (
    Setting("binds", "map", "what hosts, clusters, buckets and programs named in documents stand for here"),
    Setting("values", "map", "values for placeholders of documents"),
    Setting("runbook", "text", "the DOC#anchor that an alert without a runbook of its own opens", default=""),
)
"""The keys of a service that belong to no provider."""

GUARDS: tuple[Setting, ...] = (
    Setting("max_hits", "int", "the most things (sessions, rows, replicas) that one action may touch", default=50),
    Setting("per_hour", "int", "how often each kind of action may run in an hour", default=10),
    Setting("actions", "map", "own hourly limits by action, for example deploy.rollback: 3"),
)
"""The keys of ``guards``."""


def load(path: Path, providers: Mapping[str, Provider]) -> Config:
    """Read and check the whole file. Raises :class:`ConfigError`."""
    root = read(path)
    root.only([s.name for s in TOP])
    top = values.settings(_scalars(root), [s for s in TOP if s.kind not in ("map", "list")])
    if top["mode"] not in MODES:
        raise root.child("mode").fail(f"expected one of {', '.join(MODES)}, found {top['mode']!r}")
    if not root.child("services").mapping():
        raise root.child("services").fail("names no service; add one, for example services: {shop: {http: {url: …}}}")
    services = {n: _service(n, node, providers) for n, node in root.child("services").mapping().items()}
    return Config(
        path=str(path),
        mode=str(top["mode"]),
        store=str(top["store"]),
        services=services,
        policy=_policy(root.child("severity")),
        rules=_rules(root.child("alerts")),
        runbooks=tuple(values.texts(root.child("runbooks"))),
        guards=_guards(root.child("guards")),
        time_scale=_positive(root.child("time_scale"), top["time_scale"]),
        scrape_every=_duration(top["scrape_every"]),
        diagnose_every=_duration(top["diagnose_every"]),
        watch_for=_duration(top["watch_for"]),
        approval_for=_duration(top["approval_for"]),
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
        binds=values.text_map(node.child("binds")),
        values=values.text_map(node.child("values")),
        runbook=values.text(node.child("runbook")) if "runbook" in node.mapping() else "",
    )


def _policy(node: Node) -> Policy:
    policy = dict(DEFAULT_POLICY)
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
        policy[severity] = Promise(response, update, base.next_business_day and "response" not in given)
    return policy


def _rules(node: Node) -> tuple[Rule, ...]:
    rows = node.items()
    try:
        rules = rules_from([values.plain_map(n) for n in rows], [n.line for n in rows])
    except RunbookError as error:
        raise ConfigError(node.path, error.line, f"alerts: {error.message}") from error
    for fault in check_rules(rules):
        raise ConfigError(node.path, fault.line, f"alerts: rule {fault.rule!r}: {fault.message}")
    return rules


def _guards(node: Node) -> GuardConfig:
    found = values.settings(node, GUARDS)
    limits = {k: values.integer(n) for k, n in node.child("actions").mapping().items()}
    return GuardConfig(int(str(found["max_hits"])), int(str(found["per_hour"])), limits)


def _positive(node: Node, value: object) -> float:
    number = float(str(value))
    if number <= 0:
        raise node.fail("expected a number above 0")
    return number


def _duration(value: object) -> timedelta:
    assert isinstance(value, timedelta)
    return value
