"""What fires, over all its firings: the fold of its own stream ``alert:FINGERPRINT``, and what a message means to it.

An alert is one firing. The same trouble fires again under one fingerprint, is told twice, or ends before it was told:
this is what remembers. It is bounded, however long the stream grows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from hutch.model.alert import UNKNOWN_START, Alert
from hutch.model.erasure import retold
from hutch.model.event import Draft, Event, instant, parse_instant
from hutch.model.severity import Severity

KEPT = 16
"""Ended firings, and beginnings, that are remembered."""


@dataclass(frozen=True, slots=True)
class Firings:
    """What is known of one fingerprint. ``alert`` is what fires now.

    ``held`` says why its firing is in no incident, ``incident`` which one the latest went to. ``told`` is the key under
    which that incident has it open: empty when it counts it without a name, or holds it no more. ``counted``: it is
    one of a storm. ``early`` are keys that ended before they were told to have begun.
    """

    fingerprint: str
    seq: int = 0
    alert: Alert | None = None
    last: Alert | None = None
    incident: str = ""
    told: str = ""
    counted: bool = False
    held: str = ""
    flapping: bool = False
    early: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    began: tuple[datetime, ...] = ()
    changed_at: datetime | None = None

    @property
    def stream(self) -> str:
        """The name of its event stream."""
        return stream_of(self.fingerprint)

    def times(self, now: datetime, window: timedelta) -> int:
        """How often it began in the last ``window``."""
        return sum(now - at <= window for at in self.began)


def stream_of(fingerprint: str) -> str:
    """``alert:1f0c…``."""
    return f"alert:{fingerprint}"


class Heard(StrEnum):
    """What a message means to what is known."""

    KNOWN = "known"  # told before, or older than what is known: nothing to do
    BEGINS = "begins"
    ENDS = "ends"
    EARLY = "early"  # the end of a firing that was not told yet
    LATE = "late"  # the beginning of a firing whose end is known


def hear(known: Firings, alert: Alert) -> Heard:
    """What ``alert`` means. While something fires, its beginning told again is known, whatever start it names; an end
    ends what began no later."""
    if alert.firing:
        if known.alert or alert.key in known.ended:
            return Heard.KNOWN
        if alert.key in known.early:
            return Heard.LATE
        return Heard.KNOWN if _is_older(known, alert) else Heard.BEGINS
    if known.alert:
        unknown = alert.starts_at == UNKNOWN_START
        return Heard.ENDS if unknown or alert.starts_at >= _heard_at(known, known.alert) else Heard.KNOWN
    if alert.starts_at == UNKNOWN_START or alert.key in (*known.ended, *known.early):
        return Heard.KNOWN
    return Heard.KNOWN if _is_older(known, alert) else Heard.EARLY


def _is_older(known: Firings, alert: Alert) -> bool:
    """Whether it began no later than the last firing that is known."""
    return known.last is not None and alert.starts_at <= _heard_at(known, known.last)


def _heard_at(known: Firings, last: Alert) -> datetime:
    """When the last firing began: at the latest, when it was heard of. A source whose clock was once ahead must not
    keep silent all that it tells, beginnings and ends, until that time has come."""
    return min(last.starts_at, *known.began[-1:])


# ------------------------------------------------------------------ what is written of it


def started(alert: Alert, *, incident: str = "", told: str = "", held: str = "", flapping: bool = False) -> Draft:
    """It fires. With ``held`` it is in no incident, for that reason; without ``told`` its incident only counts it."""
    data = {"alert": as_dict(alert), "incident": incident, "told": told, "held": held, "flapping": flapping}
    return Draft("firing.started", data, alert.source)


def ended(alert: Alert, keys: Iterable[str], *, early: bool = False, keep: bool = False) -> Draft:
    """It ended. ``keep``: its incident is not told yet, since it comes and goes."""
    at = instant(alert.ends_at) if alert.ends_at else ""
    data = {"keys": sorted(set(keys)), "ends_at": at, "early": early, "keep": keep, "value": alert.value}
    return Draft("firing.ended", data, alert.source)


def placed(incident: str, told: str) -> Draft:
    """What was held back is in an incident now."""
    return Draft("firing.placed", {"incident": incident, "told": told})


def steady() -> Draft:
    """It no longer comes and goes."""
    return Draft("firing.steady", {})


def as_dict(alert: Alert) -> dict[str, object]:
    """The alert as JSON; :func:`alert_from` is its inverse."""
    return {
        "rule": alert.rule,
        "service": alert.service,
        "severity": alert.severity.label if alert.severity else "",
        "starts_at": instant(alert.starts_at),
        "summary": alert.summary,
        "value": alert.value,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "source": alert.source,
        "given": alert.given,
        "since": instant(alert.since) if alert.since else "",
        "url": alert.url,
    }


def alert_from(data: Mapping[str, object]) -> Alert:
    """The alert in :func:`as_dict`'s form. Raises ``KeyError`` or ``ValueError`` for another."""
    severity, since, value = str(data["severity"]), str(data["since"]), data["value"]
    return Alert(
        rule=str(data["rule"]),
        service=str(data["service"]),
        severity=Severity.of(severity) if severity else None,
        starts_at=parse_instant(str(data["starts_at"])),
        summary=str(data["summary"]),
        value=None if value is None else float(str(value)),
        labels=_texts(data["labels"]),
        source=str(data["source"]),
        annotations=_texts(data["annotations"]),
        given=str(data["given"]),
        since=parse_instant(since) if since else None,
        url=str(data["url"]),
    )


def _texts(value: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, Mapping) else {}


# ------------------------------------------------------------------ folding


def fold(events: Iterable[Event], state: Firings) -> Firings:
    """``state`` after these events of its stream."""
    for event in retold(list(events)):
        handler = None if event.data.get("erased") is True else _FOLDS.get(event.kind)
        state = replace(handler(state, event) if handler else state, seq=event.seq)
    return state


def _started(state: Firings, event: Event) -> Firings:
    data = event.data
    alert, held, told = alert_from(_mapping(data["alert"])), str(data["held"]), str(data["told"])
    alert = alert.known_as(state.fingerprint)
    changes: dict[str, Any] = {"last": alert, "began": (*state.began, event.at)[-KEPT:], "changed_at": event.at}
    changes["flapping"] = bool(data["flapping"]) or state.flapping
    if state.early and alert.key in state.early:
        changes["early"] = tuple(k for k in state.early if k != alert.key)
        changes["ended"] = _more(state, alert.key)
    elif held:
        changes |= {"alert": alert, "held": held}
    else:
        changes |= {"alert": alert, "held": "", "incident": str(data["incident"]), "told": told, "counted": not told}
    return replace(state, **changes)


def _ended(state: Firings, event: Event) -> Firings:
    keys = [str(key) for key in event.data["keys"]]  # type: ignore[attr-defined]
    if event.data["early"]:
        return replace(state, early=(*state.early, *keys)[-KEPT:], changed_at=event.at)
    known = _more(state, *keys, *([state.alert.key] if state.alert else []))
    kept = bool(event.data["keep"])
    return replace(
        state,
        alert=None,
        held="",
        ended=known,
        changed_at=event.at,
        told=state.told if kept else "",
        counted=state.counted and kept,
    )


def _more(state: Firings, *keys: str) -> tuple[str, ...]:
    return (*state.ended, *(k for k in keys if k not in state.ended))[-KEPT:]


def _placed(state: Firings, event: Event) -> Firings:
    told = str(event.data["told"])
    return replace(state, held="", incident=str(event.data["incident"]), told=told, counted=not told)


def _steady(state: Firings, _event: Event) -> Firings:
    told = state.told if state.alert else ""
    return replace(state, flapping=False, told=told, counted=state.counted and bool(state.alert))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


_FOLDS: Mapping[str, Callable[[Firings, Event], Firings]] = {
    "firing.started": _started,
    "firing.ended": _ended,
    "firing.placed": _placed,
    "firing.steady": _steady,
}
