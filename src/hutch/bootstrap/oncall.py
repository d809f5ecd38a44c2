"""Reads ``people``, ``oncall`` and ``escalation`` of ``hutch.yaml``."""

from __future__ import annotations

import importlib
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hutch.bootstrap import values
from hutch.bootstrap.yamlnodes import Node
from hutch.model.message import Audience, NotifyConfig
from hutch.model.oncall import DAYS, Escalation, PeopleConfig, Person, Rotation, Schedule, Step, Turn
from hutch.model.severity import Severity
from hutch.ports import Setting

PERSON: tuple[Setting, ...] = (
    Setting("channels", "list", "the channels that are theirs alone; all are paged", required=True),
)
"""The keys of a person under ``people``."""

SCHEDULE: tuple[Setting, ...] = (
    Setting("zone", "text", "the time zone of its hand-over times, as Europe/Berlin", default="UTC"),
    Setting("rotations", "list", "people in turn; of several the first that counts decides"),
    Setting("ical", "path", "a calendar (.ics) whose entries name who is on call; goes before the rotations"),
)
"""The keys of a schedule under ``oncall``."""

ROTATION: tuple[Setting, ...] = (
    Setting("people", "list", "who takes turns, in order", required=True),
    Setting("starts", "text", "the first hand-over, on the clocks of the zone, as 2026-01-05 09:00", required=True),
    Setting("every", "duration", "the length of a turn; whole days keep the time of day when clocks are changed",
            default=timedelta(days=7)),
    Setting("days", "list", "the days on which it counts: mon tue wed thu fri sat sun; none: all", default=()),
    Setting("hours", "text", "the hours in which it counts, as 09:00-17:00 or 22:00-06:00; none: all", default=""),
)  # fmt: skip
"""The keys of an entry of ``rotations``."""

ESCALATION: tuple[Setting, ...] = (
    Setting("steps", "list", "who is paged after how long without an acknowledgement: `after`, `page`", required=True),
    Setting("repeat", "int", "how often the steps begin anew", default=0),
    Setting("pause", "duration", "time between the last step and the next round", default=timedelta(minutes=10)),
)
"""The keys of a severity under ``escalation``."""

STEP: tuple[Setting, ...] = (
    Setting("after", "duration", "how long nobody acknowledged", default=timedelta(0)),
    Setting("page", "list", "schedules, people or channels", required=True),
)
"""The keys of a step."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_HOURS = re.compile(r"(\d\d):(\d\d)\s*-\s*(\d\d):(\d\d)")


def people_config(root: Node, notify: NotifyConfig) -> PeopleConfig:
    """The three blocks, checked against each other and the channels. Raises ``ConfigError``."""
    people = {n: _person(n, c, notify) for n, c in root.child("people").mapping().items()}
    schedules = {n: _schedule(n, c, people) for n, c in root.child("oncall").mapping().items()}
    own = {n for n, c in notify.channels.items() if c.audience is Audience.RESPONDERS}
    names = {*people, *schedules, *own}
    if double := (set(people) & set(schedules)) | ((set(people) | set(schedules)) & set(notify.channels)):
        where = root.child("oncall" if double & set(schedules) else "people")
        raise where.fail(f"{min(double)!r} names two things: a person, a schedule or a channel must each have its own")
    escalation = dict(_escalation(k, c, names) for k, c in root.child("escalation").mapping().items())
    return PeopleConfig(people, schedules, escalation)


def _person(name: str, node: Node, notify: NotifyConfig) -> Person:
    if not _NAME.fullmatch(name):
        raise node.fail(f"expected a name of letters, digits, . - and _, found {name!r}")
    values.settings(node, PERSON)
    for one in node.child("channels").items():
        _known(one, values.text(one), notify.channels, "channel")
        if notify.channels[values.text(one)].audience is not Audience.RESPONDERS:
            raise one.fail(
                f"{values.text(one)!r} is read by {notify.channels[values.text(one)].audience}: pages go to responders"
            )
    return Person(name, tuple(values.texts(node.child("channels"))))


def _known(node: Node, name: str, known: Collection[str], what: str) -> None:
    if name not in known:
        raise node.fail(f"unknown {what} {name!r}; configured: {', '.join(sorted(known)) or 'none'}")


def _schedule(name: str, node: Node, people: Mapping[str, Person]) -> Schedule:
    if not _NAME.fullmatch(name):
        raise node.fail(f"expected a name of letters, digits, . - and _, found {name!r}")
    found = values.settings(Node(node.path, node.where, node.line, _without(node, "rotations")), SCHEDULE)
    zone = str(found["zone"])
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, LookupError):
        raise node.child("zone").fail(f"unknown time zone {zone!r}; write for example Europe/Berlin") from None
    rotations = tuple(_rotation(n, zone, people) for n in node.child("rotations").items())
    ical = str(found["ical"] or "")
    if not rotations and not ical:
        raise node.fail("names nobody: give rotations or ical")
    return Schedule(name, rotations, _calendar(node.child("ical"), ical, people) if ical else (), zone)


def _without(node: Node, key: str) -> dict[str, Node]:
    return {k: n for k, n in node.mapping().items() if k != key}


def _calendar(node: Node, path: str, people: Mapping[str, Person]) -> tuple[Turn, ...]:
    try:
        read = importlib.import_module("hutch.bootstrap.ical").turns  # icalendar is loaded where there is a calendar
        found: tuple[Turn, ...] = read(Path(path).read_bytes(), people, datetime.now(UTC))
    except (ValueError, OSError) as error:
        raise node.fail(f"{path}: {error}") from error
    return found


def _rotation(node: Node, zone: str, people: Mapping[str, Person]) -> Rotation:
    found = values.settings(node, ROTATION)
    names = values.texts(node.child("people"))
    for one in node.child("people").items():
        _known(one, values.text(one), people, "person")
    every = found["every"]
    assert isinstance(every, timedelta)
    if every < timedelta(minutes=15):
        raise node.child("every").fail("expected 15m or more")
    if not names:
        raise node.child("people").fail("names nobody")
    return Rotation(
        tuple(names), _starts(node.child("starts"), str(found["starts"])), every, zone,
        tuple(_day(n) for n in node.child("days").items()), _hours(node.child("hours"), str(found["hours"])),
    )  # fmt: skip


def _starts(node: Node, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise node.fail(f"expected a time such as 2026-01-05 09:00, found {text!r}") from None
    if found.tzinfo:
        raise node.fail("is a time on the clocks of the schedule's zone: leave the offset out")
    return found


def _day(node: Node) -> int:
    name = values.text(node).lower()[:3]
    if name not in DAYS:
        raise node.fail(f"expected one of {', '.join(DAYS)}, found {values.text(node)!r}")
    return DAYS.index(name)


def _hours(node: Node, text: str) -> tuple[time, time] | None:
    if not text:
        return None
    match = _HOURS.fullmatch(text)
    try:
        first, last = (time(int(match[n]), int(match[n + 1])) for n in (1, 3)) if match else (time(), time())
    except ValueError:
        first = last = time()
    if first == last:
        raise node.fail(f"expected hours such as 09:00-17:00, found {text!r}")
    return first, last


def _escalation(key: str, node: Node, names: Collection[str]) -> tuple[Severity, Escalation]:
    try:
        severity = Severity.of(key)
    except ValueError as error:
        raise node.fail(str(error)) from error
    if isinstance(node.value, list):
        return severity, Escalation(tuple(_step(n, names) for n in node.items()))
    found = values.settings(Node(node.path, node.where, node.line, _without(node, "steps")), ESCALATION[1:])
    steps = tuple(_step(n, names) for n in node.child("steps").items())
    repeat, pause = int(str(found["repeat"])), found["pause"]
    assert isinstance(pause, timedelta)
    if not 0 <= repeat <= 50 or pause < timedelta(minutes=1):
        raise node.fail("expected repeat from 0 to 50 and a pause of 1m or more")
    return severity, Escalation(steps, repeat, pause)


def _step(node: Node, names: Collection[str]) -> Step:
    found = values.settings(node, STEP)
    for one in node.child("page").items():
        _known(one, values.text(one), names, "schedule, person or channel")
    after = found["after"]
    assert isinstance(after, timedelta)
    return Step(after, tuple(values.texts(node.child("page"))))
