"""An incident's whole log in one file that proves itself: a head, then an event a line, as JSON.

The head names each stream with its number of events and its last hash, so that a file whose end is missing is no
shorter truth. Who compares that hash with the store's knows that nothing was written anew.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hutch.model.erasure import KIND as ERASING
from hutch.model.event import Break, Event, canonical, find_break, instant, parse_instant

FORM = "hutch-bundle-1"


class BundleError(ValueError):
    """It is no bundle, or one that cannot be read: says the line and why."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a bundle holds. ``heads``: what its head says of each stream, the number of events and the last hash."""

    incident: str
    made_at: str
    heads: Mapping[str, tuple[int, str]]
    streams: Mapping[str, Sequence[Event]] = field(default_factory=dict)
    positions: Mapping[str, Sequence[int]] = field(default_factory=dict)  # of an archive: where they stood in the log
    files: Mapping[str, bytes] | None = None
    """Evidence by its address; None in a bundle of before evidence was in it."""

    def breaks(self) -> list[Break]:
        """Where it was altered; empty when every chain is intact and whole."""
        found = [b for events in self.streams.values() if (b := find_break(events))]
        for name, (count, last) in self.heads.items():
            events = self.streams.get(name, ())
            if len(events) != count:
                found.append(Break(name, len(events), f"the head says {count} events, there are {len(events)}"))
            elif events and events[-1].hash != last:
                found.append(Break(name, count, "its last event is not the one that the head names"))
        unnamed = self.streams.keys() - self.heads.keys()
        found += [Break(name, 1, "the head does not name this stream") for name in unnamed]
        found += self._evidence_breaks()
        return sorted(found, key=lambda b: (b.stream, b.seq))

    def erasures(self) -> list[Event]:
        """The events that say who erased what, and why."""
        return [e for events in self.streams.values() for e in events if e.kind == ERASING]

    def _evidence_breaks(self) -> Iterator[Break]:
        if self.files is None:
            return
        gone = {e.data.get("attachment") for e in self.erasures()}
        for event in (e for events in self.streams.values() for e in events if e.kind == "evidence.attached"):
            digest = str(event.data.get("sha256", ""))
            data = self.files.get(digest)
            if data is None and digest and digest not in gone:
                yield Break(event.stream, event.seq, "the evidence that it attached is not in the bundle")
            elif data is not None and hashlib.sha256(data).hexdigest() != digest:
                yield Break(event.stream, event.seq, "the evidence that it attached was altered")


Files = Mapping[str, bytes]


def written(
    incident: str,
    at: datetime,
    streams: Iterable[Sequence[Event]],
    files: Files | None = None,
    beside: Mapping[str, object] | None = None,
) -> Iterator[str]:
    """The lines of a bundle. ``files``: the evidence that its events name, by its address. ``beside`` goes into its
    head, too.
    """
    kept = [events for events in streams if events]
    heads = {e[0].stream: {"events": len(e), "last": e[-1].hash} for e in kept}
    head = {"form": FORM, "incident": incident, "made_at": instant(at), "streams": heads}
    yield canonical({"evidence": True, **(beside or {}), **head})
    for events in kept:
        yield from (canonical(_line(event)) for event in events)
    for digest, data in (files or {}).items():
        yield canonical({"evidence": digest, "base64": base64.b64encode(data).decode()})


def read(lines: Iterable[str]) -> Bundle:
    """The bundle in these lines. Raises :class:`BundleError`."""
    rows = iter(enumerate(lines, 1))
    head = _head(*next(rows, (1, "")))
    streams: dict[str, list[Event]] = {}
    files: dict[str, bytes] = {}
    for number, line in rows:
        if line.startswith('{"base64":'):
            files |= _file(number, line)
        elif line.strip():
            event = _event(number, line)
            streams.setdefault(event.stream, []).append(event)
    return Bundle(head.incident, head.made_at, head.heads, streams, head.positions,
                  None if head.files is None else files)  # fmt: skip


def _file(number: int, line: str) -> dict[str, bytes]:
    found = _object(number, line)
    try:
        return {str(found["evidence"]): base64.b64decode(str(found["base64"]), validate=True)}
    except (KeyError, ValueError) as error:
        raise BundleError(f"line {number}: this is no evidence: {error}") from error


def _line(event: Event) -> dict[str, object]:
    return {
        **event.as_dict(),
        "salt": event.salt,
        "data_hash": event.data_hash,
        "prev_hash": event.prev_hash,
    }


def _head(number: int, line: str) -> Bundle:
    found = _object(number, line)
    if found.get("form") != FORM:
        raise BundleError(f"line 1: this is no bundle: expected the form {FORM!r}")
    try:
        heads = {str(n): (int(h["events"]), str(h["last"])) for n, h in dict(found["streams"]).items()}
        files: dict[str, bytes] | None = {} if found.get("evidence") is True else None
        positions = {str(n): [int(p) for p in ps] for n, ps in dict(found.get("positions") or {}).items()}
        return Bundle(str(found["incident"]), str(found["made_at"]), heads, {}, positions, files)
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError("line 1: the head lacks the streams with their events and last hash") from error


def _event(number: int, line: str) -> Event:
    found = _object(number, line)
    try:
        texts = [found[k] for k in ("stream", "actor", "kind", "salt", "data_hash", "prev_hash", "hash")]
        seq, at, data = found["seq"], parse_instant(str(found["at"])), found["data"]
        if not all(isinstance(t, str) for t in texts) or type(seq) is not int or not isinstance(data, dict):
            raise ValueError("wrong kinds of values")
    except (KeyError, ValueError, OverflowError) as error:
        raise BundleError(f"line {number}: this is no event: {error}") from error
    stream, actor, kind, salt, data_hash, prev_hash, whole = texts
    return Event(stream, seq, at, actor, kind, data, salt, data_hash, prev_hash, whole)


def _object(number: int, line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"line {number}: this is no JSON; the file may be cut off") from error
    if not isinstance(found, dict):
        raise BundleError(f"line {number}: expected an object")
    return found
