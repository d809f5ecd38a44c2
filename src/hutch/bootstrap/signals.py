"""Reads ``signals`` and ``watchdog`` of ``hutch.yaml``: numbers of a team's own, and who is told that Hutch lives."""

from __future__ import annotations

import re
from datetime import timedelta

from hutch.bootstrap import values
from hutch.bootstrap.yamlnodes import Node
from hutch.detection.signals import SIGNALS
from hutch.model.config import CustomSignal, Watchdog
from hutch.ports import Setting

KINDS = ("promql", "sql", "cloudwatch", "probe")

SIGNAL: tuple[Setting, ...] = (
    Setting("name", "text", "what rules call it; the name of a built-in signal replaces where that comes from",
            required=True),
    Setting("unit", "text", "its unit, such as %, ms, bytes/s, jobs; of a built-in one that one's", default=""),
    Setting("promql", "text", "an expression for the service's `prometheus`, with one series as its result"),
    Setting("sql", "text", "a reading statement for the service's `postgres`: the first column of its only row"),
    Setting("cloudwatch", "text",
            "a metric for the service's `cloudwatch`: `NAMESPACE METRIC STATISTIC DIMENSION=VALUE …`"),
    Setting("probe", "text", "the name of a probe: % of its latest results that succeeded"),
    Setting("window", "duration", "how long an answer counts", default=timedelta(minutes=1)),
    Setting("every", "duration", "time between two questions", default=timedelta(seconds=15)),
    Setting("service", "text", "the service that has it; without it each", default=""),
    Setting("doc", "text", "what it means, for people", default=""),
)  # fmt: skip
"""The keys of an entry of ``signals``."""

WATCHDOG: tuple[Setting, ...] = (
    Setting("url", "secret", "what a dead man's switch outside wants to be asked for, as healthchecks.io gives it",
            required=True),
    Setting("every", "duration", "how often it is asked for while Hutch is well", default=timedelta(minutes=1)),
)  # fmt: skip
"""The keys of ``watchdog``."""

_NAME = re.compile(r"[a-z_][a-z0-9_]*")


def custom(node: Node) -> CustomSignal:
    """One entry. Raises ``ConfigError``."""
    found = values.settings(node, SIGNAL)
    given = [kind for kind in KINDS if found[kind]]
    if len(given) != 1:
        raise node.fail(f"expected one of {', '.join(KINDS)}: where the number comes from")
    name, kind = str(found["name"]), given[0]
    if not _NAME.fullmatch(name):
        raise node.child("name").fail(f"expected small letters, digits and _, found {name!r}")
    query = str(found[kind]).strip()
    window, every = found["window"], found["every"]
    assert isinstance(window, timedelta)
    assert isinstance(every, timedelta)
    if every > window or not every:
        raise node.child("every").fail("expected a time above zero and not longer than window: else it has gaps")
    unit = str(found["unit"]) or _unit(node, name, kind)
    return CustomSignal(name, unit, kind, query, window, every, str(found["service"]), str(found["doc"]), node.line)


def watchdog(node: Node) -> Watchdog | None:
    """The block ``watchdog``; None where there is none."""
    if not node.mapping():
        return None
    found = values.settings(node, WATCHDOG)
    every = found["every"]
    assert isinstance(every, timedelta)
    if every < timedelta(seconds=1):
        raise node.child("every").fail("expected a second or more")
    return Watchdog(str(found["url"]), every)


def _unit(node: Node, name: str, kind: str) -> str:
    if name in SIGNALS:
        return SIGNALS[name].unit
    if kind == "probe":
        return "%"
    raise node.fail(f"unit is missing: what {name} is counted in, such as %, ms, jobs")
