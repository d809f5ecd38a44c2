"""What PagerDuty says by its v3 webhooks. It may acknowledge an incident of ours; whatever else it says is told on the
timeline, and a person decides: a resolution there resolves nothing here."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from hutch.commands import incidents
from hutch.commands.context import Context
from hutch.model import incident as model
from hutch.model.event import Draft
from hutch.ports import Append, Conflict
from hutch.review.message_sentences import PAGERDUTY
from hutch.review.wording import one_line

HEARD = "pagerduty.heard"


class Unproved(Exception):
    """It is not signed with our secret."""


def prove(context: Context, signature: str, body: bytes) -> None:
    """Raise :class:`Unproved` unless one of the signatures (``v1=…, v1=…``: PagerDuty sends several while a secret is
    changed) is ours; compared in constant time."""
    reference = context.config.notify.pagerduty_secret
    if not reference:
        raise Unproved("notify.pagerduty_secret is not configured: nothing can be proved")
    try:
        secret = context.secrets.resolve(reference)
    except LookupError as error:
        raise Unproved(str(error.args[0])) from None
    ours = f"v1={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
    given = [s.strip() for s in signature.split(",")][:10]
    if not any(hmac.compare_digest(s.encode(), ours.encode()) for s in given):
        raise Unproved("the signature is not made with notify.pagerduty_secret")


async def hear(context: Context, body: bytes) -> str:
    """Take one event; heard again, it changes nothing. Returns what came of it. Raises ``ValueError``."""
    event = _event(body)
    data = _inner(event, "data")
    kind, event_id = str(event.get("event_type", "")), str(event.get("id", ""))[:100]
    name = str(data.get("incident_key") or _inner(data, "incident").get("incident_key") or "")
    if kind not in PAGERDUTY or not name.startswith("INC-"):
        return "not ours"
    who = f"pagerduty: {one_line(_inner(event, 'agent').get('summary') or 'somebody', 80)}"
    return await _tell(context, name, kind, event_id, who, _note(context, data))


async def _tell(context: Context, name: str, kind: str, event_id: str, who: str, note: str) -> str:
    for _ in range(incidents.TRIES):
        events = await context.store.read(model.stream_of(name))
        state = model.fold(events)
        if state is None:
            return "not ours"
        if any(e.kind == HEARD and e.data.get("event") == event_id for e in events):
            return "heard before"
        drafts = [Draft(HEARD, {"event": event_id, "type": kind, "text": note}, who)]
        if kind == "incident.acknowledged" and state.open:
            drafts += incidents.acknowledgement_drafts(context, state, who)
        with suppress(Conflict):
            append = Append(state.stream, tuple(drafts), expect=state.seq)
            await context.store.commit([append], [incidents.clock_job(name)])
            return "told"
    raise ValueError("the incident is being changed by too many at once")


def _event(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError("no JSON") from error
    event = found.get("event") if isinstance(found, dict) else None
    if not isinstance(event, dict) or not event.get("id"):
        raise ValueError("event.id is missing")
    return event


def _inner(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = data.get(key)
    return found if isinstance(found, dict) else {}


def _note(context: Context, data: Mapping[str, Any]) -> str:
    """The text of a note, masked."""
    return context.secrets.mask(one_line(data.get("content") or "", 500))
