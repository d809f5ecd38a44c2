"""Reads ``alerting`` and ``maintenance`` of ``hutch.yaml``: how alerts become incidents, when they are held back."""

from __future__ import annotations

import re
from datetime import time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hutch.bootstrap import values
from hutch.bootstrap.yamlnodes import Node
from hutch.model.config import SEVERITIES, AlertPolicy
from hutch.model.quiet import DAYS, INHIBITIONS, Inhibition, Maintenance, Matcher, matcher
from hutch.model.severity import Severity
from hutch.ports import Setting

_DEFAULT = AlertPolicy()

ALERTING: tuple[Setting, ...] = (
    Setting("window", "duration", "an alert joins an open incident of its service whose alerts fire, or changed within "
            "this time", default=_DEFAULT.window),
    Setting("flaps", "int", "so many firings within flap_window: it comes and goes, and is held back",
            default=_DEFAULT.flaps),
    Setting("flap_window", "duration", "time in which firings are counted for that", default=_DEFAULT.flap_window),
    Setting("settle", "duration", "how long it must be still until it no longer does", default=_DEFAULT.settle),
    Setting("listed", "int", "alerts of one incident that are told one by one; a storm's others are counted",
            default=_DEFAULT.listed),
    Setting("severities", "map", "more words for severities, as other tools use them: `urgent: SEV-1`"),
    Setting("runbooks", "map", "the DOC#anchor that answers an alert, by its name"),
    Setting("inhibit", "list", "entries of `by` (a matcher) and `holds` (matchers): while the first fires on a "
            "service, the others there are only its consequence"),
)  # fmt: skip
"""The keys of ``alerting``."""

MAINTENANCE: tuple[Setting, ...] = (
    Setting("name", "text", "what is done", required=True),
    Setting("service", "text", "the service; without it all", default=""),
    Setting("from", "time", "when it begins, once: `2026-02-01T02:00:00Z`"),
    Setting("to", "time", "when that ends"),
    Setting("every", "text", "instead: `sunday 02:00`, or `day 02:00`"),
    Setting("for", "duration", "how long each of those lasts"),
    Setting("zone", "text", "the time zone of `every`", default="UTC"),
    Setting("public", "bool", "whether the status page tells of it", default=False),
)
"""The keys of an entry of ``maintenance``."""

_EVERY = re.compile(r"(\w+)\s+(\d{1,2}):(\d{2})")


def alert_policy(node: Node) -> AlertPolicy:
    """The block ``alerting``; defaults where it says nothing."""
    found = values.settings(_without(node, "inhibit"), [s for s in ALERTING if s.name != "inhibit"])
    for name in ("flaps", "listed"):
        if int(str(found[name])) < 1:
            raise node.child(name).fail("expected a whole number from 1")
    return AlertPolicy(
        window=_length(found["window"]),
        flaps=int(str(found["flaps"])),
        flap_window=_length(found["flap_window"]),
        settle=_length(found["settle"]),
        listed=int(str(found["listed"])),
        severities={**SEVERITIES} | {k.lower(): _severity(n) for k, n in node.child("severities").mapping().items()},
        runbooks=values.text_map(node.child("runbooks")),
        inhibitions=INHIBITIONS + tuple(_inhibition(n) for n in node.child("inhibit").items()),
    )


def _without(node: Node, name: str) -> Node:
    rest = {k: n for k, n in node.mapping().items() if k != name}
    return Node(node.path, node.where, node.line, rest)


def _inhibition(node: Node) -> Inhibition:
    node.only(["by", "holds"])
    given = node.mapping()
    if "by" not in given or "holds" not in given:
        raise node.fail("expected by and holds, as {by: rule=Service Down, holds: [signal=error_rate]}")
    return Inhibition(_matcher(given["by"]), tuple(_matcher(n) for n in given["holds"].items()))


def _matcher(node: Node) -> Matcher:
    try:
        return matcher(values.text(node))
    except ValueError as error:
        raise node.fail(str(error)) from error


def _severity(node: Node) -> Severity:
    try:
        return Severity.of(values.text(node))
    except ValueError as error:
        raise node.fail(str(error)) from error


def _length(value: object) -> timedelta:
    assert isinstance(value, timedelta)
    return value


# ------------------------------------------------------------------ maintenance


def maintenance(node: Node) -> Maintenance:
    """One entry: a window with a beginning and an end, or one that comes back every week or day."""
    found = values.settings(node, MAINTENANCE)
    name, service, public = str(found["name"]), str(found["service"]), bool(found["public"])
    given = node.mapping()
    if "every" in given and "for" in given and not {"from", "to"} & given.keys():
        day, at = _every(given["every"])
        length, where = _length(found["for"]), zone(node, str(found["zone"]))
        return Maintenance(name, service, weekday=day, at=at, length=length, zone=where, public=public)
    if "from" in given and "to" in given and not {"every", "for"} & given.keys():
        starts, ends = values.time(given["from"]), values.time(given["to"])
        if ends <= starts:
            raise given["to"].fail("ends before it begins")
        return Maintenance(name, service, starts, ends, public=public)
    raise node.fail("expected from and to, or every and for")


def _every(node: Node) -> tuple[int | None, time]:
    found = _EVERY.fullmatch(values.text(node).strip().lower())
    if not found or found[1] not in (*DAYS, "day") or int(found[2]) > 23 or int(found[3]) > 59:
        raise node.fail(f"expected a day and a time, as sunday 02:00 or day 02:00, found {node.plain()!r}")
    return (None if found[1] == "day" else DAYS.index(found[1])), time(int(found[2]), int(found[3]))


def zone(node: Node, name: str) -> ZoneInfo:
    """The time zone that the key ``zone`` names."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise node.child("zone").fail(f"unknown time zone {name!r}; write one as Europe/Berlin") from error
