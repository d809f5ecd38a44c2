"""Any JSON, by a mapping of what an alert has to where that stands (``$.host.name``), and a signature of our own."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from hutch.detection.ingest.payload import Arrived, Given, PayloadError, kind, moment, parts
from hutch.model.alert import UNKNOWN_START, Alert
from hutch.runbook.capture import value_at
from hutch.runbook.errors import RunbookError

FIELDS = ("rule", "service", "severity", "summary", "status", "key", "starts_at", "ends_at", "url", "value", "each")
"""What a mapping may name; ``each`` is the list that alerts stand in, ``label.NAME`` a label."""

PLAIN = {
    "rule": "$.rule", "service": "$.service", "severity": "$.severity", "summary": "$.summary",
    "status": "$.status", "key": "$.key", "starts_at": "$.starts_at", "ends_at": "$.ends_at", "url": "$.url",
    "value": "$.value",
}  # fmt: skip
"""The mapping where none is given."""

OVER = frozenset(
    {"resolved", "ok", "recovered", "recovery", "closed", "close", "normal", "up", "clear", "cleared", "0"}
)
"""Values of ``status``, in any case, that mean that it is over."""

SIGNED = "x-hutch-signature"
_SIGNED = re.compile(r"t=(\d{1,12}),\s*v1=([0-9a-f]{64})")

FRESH = 300
"""Seconds that a signature is good for, before and after: an older one may be a replay."""


def signature(secret: str, at: int, body: bytes) -> str:
    """``t=1700000000,v1=…``: HMAC-SHA-256 over the time, a dot and the body."""
    return f"t={at},v1={hmac.new(secret.encode(), f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"


def signed(secret: str, given: str, body: bytes, now: datetime) -> str:
    """Why the signature does not prove the body; empty when it does."""
    found = _SIGNED.fullmatch(given.strip())
    if found is None:
        return "the header X-Hutch-Signature is missing or malformed; send t=SECONDS,v1=HMAC"
    at = int(found[1])
    if abs(now.timestamp() - at) > FRESH:
        return f"the signature's time is more than {FRESH} s away from ours: a replay, or a clock that is wrong"
    return "" if hmac.compare_digest(signature(secret, at, body), f"t={at},v1={found[2]}") else "the signature is wrong"


SAYS = ("rule", "service", "severity", "summary", "status", "key")
"""What a configured mapping names because every payload has it: one that has not is told so."""


def read(given: Given, now: datetime) -> Arrived:
    """The one alert, or each of a list. A note says which paths of a configured mapping led nowhere.

    Raises :class:`PayloadError` where nothing of the mapping is there: that payload is another's, or the mapping wrong.
    """
    paths = dict(given.paths) or PLAIN
    if "each" not in paths:
        alert = _alert(given.body, paths, given, now, "")
        return Arrived((alert,), note=_missing(given, [given.body]))
    listed = _at(paths["each"], given.body)
    if listed is None:
        raise PayloadError("there is nothing at the mapping's `each`", paths["each"])
    rows = parts({"each": listed}, "each")
    alerts = tuple(_alert(row, paths, given, now, f"{paths['each']}[{n}]") for n, row in enumerate(rows))
    return Arrived(alerts, note=_missing(given, rows))


def _missing(given: Given, rows: Sequence[Mapping[str, object]]) -> str:
    """Which paths of a configured mapping lead to nothing in some row; empty where all are there."""
    known = [(n, p) for n, p in given.paths.items() if n in SAYS or n.startswith("label.")]
    gone = [f"{path} ({name})" for name, path in known if any(_at(path, row) is None for row in rows)]
    return f"the mapping found nothing at {', '.join(gone)}" if gone else ""


def _alert(row: Mapping[str, object], paths: Mapping[str, str], given: Given, now: datetime, where: str) -> Alert:
    def said(name: str) -> str:
        return _text(_at(paths[name], row), f"{where}{paths[name]}") if name in paths else ""

    looked = [path for name, path in paths.items() if name != "each"]
    if looked and all(_at(path, row) is None for path in looked):
        raise PayloadError(f"nothing of the mapping is here: looked for {', '.join(looked)}", where)
    rule = said("rule") or given.name or "alert"
    status = said("status").lower()
    ends = moment({"at": said("ends_at")}, "at", where)
    over = status in OVER or (not status and ends is not None)
    starts = moment({"at": said("starts_at")}, "at", where)
    found = {n.removeprefix("label."): said(n) for n in paths if n.startswith("label.")}
    severity = said("severity")
    return Alert(
        rule, said("service") or given.service, None, starts or (UNKNOWN_START if over else now),
        said("summary") or rule, value=_figure(said("value")), ends_at=(ends or now) if over else None,
        labels={k: v for k, v in {**found, "severity": severity}.items() if v},
        source=given.name or "generic", given=said("key"), url=said("url"),
    )  # fmt: skip


def _at(path: str, row: object) -> object:
    try:
        return value_at(path, row)
    except RunbookError:
        return None


def _text(value: object, where: str) -> str:
    if value is None or isinstance(value, dict | list):
        if value is None:
            return ""
        raise PayloadError(f"expected a text, found {kind(value)}", where)
    return str(value)


def _figure(said: str) -> float | None:
    try:
        found = float(said)
    except ValueError:
        return None
    return found if abs(found) < float("inf") else None
