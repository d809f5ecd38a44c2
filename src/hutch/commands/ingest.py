"""Payloads of other tools: proved, read, taken in; what cannot be read is kept and can be read again."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hutch.commands import incidents, letters
from hutch.commands.context import CommandError, Context
from hutch.commands.inbox import Inbox
from hutch.commands.intake import Receipt
from hutch.detection.ingest import SOURCES, Given, PayloadError
from hutch.detection.ingest.generic import SIGNED, signed
from hutch.detection.ingest.pagerduty import dedup_key
from hutch.detection.ingest.sentry import SIGNATURE, signature
from hutch.model.alert import Alert
from hutch.model.event import Event
from hutch.model.ingest import IngestSource

DEEPEST = 100
"""Levels of nesting that a payload may have."""

KEPT_HEADERS = ("sentry-hook-resource",)
"""Headers that a payload cannot be read without."""


_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


class Unproved(Exception):
    """The sender did not prove to be a configured source."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a payload: a receipt for each alert, the incidents acknowledged, or why there was nothing to do."""

    receipts: tuple[Receipt, ...] = ()
    acknowledged: tuple[str, ...] = ()
    note: str = ""
    key: str = ""  # PagerDuty's answer names it

    def as_json(self) -> dict[str, Any]:
        """The answer of the API."""
        return {
            "alerts": [{"key": r.key, "outcome": r.outcome, "incident": r.incident} for r in self.receipts],
            "acknowledged": list(self.acknowledged),
            "note": self.note,
        }


# ------------------------------------------------------------------ who sends it


def prove(context: Context, kind: str, headers: Mapping[str, str], body: bytes, *, open_house: bool) -> IngestSource:
    """The configured source that sent this. Raises :class:`Unproved`, with nothing that helps to guess, and
    :class:`PayloadError` where the proof stands in a body that is no JSON: of a stranger, so it is not kept.

    ``open_house``: it came by loopback, where a kind that nobody configured needs no proof.
    """
    if kind not in SOURCES:
        raise CommandError(f"no source {kind[:40]!r}; one of: {', '.join(SOURCES)}", 2)
    known = [s for s in context.config.ingest if s.kind == kind]
    if not known and open_house:
        return IngestSource(kind)
    reasons = []
    for source in known:
        reason = _doubt(context, source, headers, body, open_house)
        if not reason:
            return source
        reasons.append(reason)
    said = next(iter(dict.fromkeys(reasons)), f"nobody may send as {kind}: add it to ingest in hutch.yaml")
    raise Unproved(said)


def _doubt(context: Context, source: IngestSource, headers: Mapping[str, str], body: bytes, open_house: bool) -> str:
    """Why this source did not prove itself; empty when it did. All of what it is configured with must hold."""
    if not source.proves:
        return "" if open_house else "it has neither token nor secret: beyond loopback it needs one"
    try:
        token = context.secrets.resolve(source.token) if source.token else ""
        secret = context.secrets.resolve(source.secret) if source.secret else ""
    except LookupError as error:
        return f"its proof cannot be checked: {error}"
    if token and not hmac.compare_digest(token.encode(), _token(source.kind, headers, body).encode()):
        return "the token is missing or wrong"
    if not secret:
        return ""
    if source.kind == "sentry":
        right = hmac.compare_digest(signature(secret, body), headers.get(SIGNATURE, ""))
        return "" if right else "the header Sentry-Hook-Signature is missing or wrong"
    return signed(secret, headers.get(SIGNED, ""), body, context.clock.now())


def _token(kind: str, headers: Mapping[str, str], body: bytes) -> str:
    if kind == "pagerduty":
        return str(parsed(body).get("routing_key", ""))
    word, _, rest = headers.get("authorization", "").partition(" ")
    return rest.strip() if word.lower() == "bearer" else headers.get("x-hutch-token", "")


# ------------------------------------------------------------------ what it says


def parsed(body: bytes) -> Mapping[str, object]:
    """The JSON object of a body. Raises :class:`PayloadError` saying where it breaks off, or what it is instead."""
    if _depth(body) > DEEPEST:
        raise PayloadError(f"is nested more than {DEEPEST} levels deep")
    try:
        found = json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise PayloadError(f"is not UTF-8: byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise PayloadError(f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise PayloadError("is nested too deep") from error
    if not isinstance(found, dict):
        raise PayloadError("is no JSON object")
    return found


def _no_constant(word: str) -> float:
    raise PayloadError(f"holds {word}, which is no JSON")


def _depth(body: bytes) -> int:
    """The deepest nesting of brackets, those in texts counted too: it only bounds."""
    depth = deepest = 0
    for byte in body.translate(None, _NO_BRACKETS):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


async def take(context: Context, inbox: Inbox, source: IngestSource, headers: Mapping[str, str], body: bytes) -> Taken:
    """Read and take in; durable when this returns. A payload that cannot be read is kept before its error is raised.

    Raises :class:`PayloadError`, :class:`hutch.commands.inbox.Crowded`, and what the store raises.
    """
    try:
        given = Given(parsed(body), headers, source.service, source.paths, source.name)
        arrived = SOURCES[source.kind].read(given, context.clock.now())
    except PayloadError as error:
        kept = {name: headers[name] for name in KEPT_HEADERS if name in headers}
        await letters.keep(context, source, kept, body, str(error))
        raise
    receipts = await inbox.take(arrived.alerts)
    seen = await _acknowledge(context, arrived.acknowledged)
    key = dedup_key(given) if source.kind == "pagerduty" else ""
    return Taken(tuple(receipts), seen, arrived.note, key)


async def _acknowledge(context: Context, told: Sequence[Alert]) -> tuple[str, ...]:
    """The incidents of what was acknowledged at its source: somebody is there."""
    found = []
    for alert in told:
        known = await context.board.firings(context.store, [alert.fingerprint])
        name = known[alert.fingerprint].incident
        if name:
            await incidents.acknowledge(context, name, alert.source)
            found.append(name)
    return tuple(found)


# ------------------------------------------------------------------ what could not be read


async def replay(context: Context, letter: Event) -> Taken:
    """Read a kept payload again, as its source is configured now. Raises :class:`CommandError` where it still fails."""
    kind, name = str(letter.data["source"]), str(letter.data["name"])
    known = [s for s in context.config.ingest if (s.kind, s.name) == (kind, name)]
    source = known[0] if known else IngestSource(kind, name)
    body = str(letter.data["body"]).encode()
    headers: Mapping[str, str] = letter.data["headers"]  # type: ignore[assignment]
    try:
        given = Given(parsed(body), headers, source.service, source.paths, source.name)
        arrived = SOURCES[source.kind].read(given, context.clock.now())
    except PayloadError as error:
        raise CommandError(f"letter {letter.seq} still cannot be read: {error}") from error
    receipts = await Inbox(context).take(arrived.alerts)
    await letters.replayed(context, letter)
    return Taken(tuple(receipts), await _acknowledge(context, arrived.acknowledged), arrived.note)
