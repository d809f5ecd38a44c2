"""Sentences for what is said to people and by whom: messages, links, roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hutch.model.roles import Role
from hutch.review.reading import Told, number
from hutch.review.wording import one_line


def _queued(told: Told) -> str:
    act = {"acknowledge": "Acknowledgement for", "resolve": "Resolution for", "trigger": "Page by"}
    what = act.get(told["act"], "Page by" if told["about"].startswith("page:") else "Message for")
    to = f" to {told['person']}" if told["person"] else ""
    return f"{what} {told.get('channel', 'a channel')}{to} queued: {told.get('title', 'untitled')}"


def _undelivered(told: Told) -> str:
    tries = int(number(told.event.data, "tries") or 1)
    why = told.get("said", "it did not work")
    return f"Message for {told.get('channel', 'a channel')} not delivered (try {tries}): {why}"


PAGERDUTY = {
    "incident.acknowledged": "acknowledged it",
    "incident.resolved": "resolved it there; here it stays open until somebody resolves it",
    "incident.reassigned": "gave it to somebody else",
    "incident.delegated": "delegated it",
    "incident.escalated": "escalated it",
    "incident.reopened": "reopened it",
    "incident.annotated": "wrote a note",
    "incident.unacknowledged": "took the acknowledgement back",
}
"""What is told of each event that PagerDuty sends; others are left out."""


def _heard(told: Told) -> str:
    text = f": {told['text']}" if told["text"] else ""
    return f"{one_line(told.event.actor)} {PAGERDUTY.get(told['type'], told['type'])}{text}"


def _assigned(told: Told) -> str:
    name = told["role"] or Role.COMMANDER
    title = Role(name).called if name in list(Role) else name
    taken = f", taken over from {told['from']}" if told["from"] else ""
    return f"{told.get('who', 'Nobody')} is {title}{taken}{_because(told)}"


def _because(told: Told) -> str:
    return f": {told['reason']}" if told["reason"] else ""


SENTENCES: Mapping[str, Callable[[Told], str]] = {
    "message.queued": _queued,
    "message.delivered": lambda t: f"Message delivered by {t.get('channel', 'a channel')}",
    "message.failed": lambda t: f"{_undelivered(t)}; next try at {t.at('again_at')}",
    "message.given_up": lambda t: f"{_undelivered(t)}; given up",
    "pagerduty.heard": _heard,
    "person.admitted": lambda t: f"{one_line(t.event.actor)} let {t['who']} in",
    "incident.closed_off": lambda t: f"{one_line(t.event.actor)} made the incident private",
    "commander.assigned": _assigned,
    "role.assigned": _assigned,
    "role.released": lambda t: f"{t.get('who', 'Somebody')} is no longer {t.get('role', 'there')}{_because(t)}",
    "link.used": lambda t: f"{one_line(t.event.actor)} used the link of a page",
}
"""By kind of event."""
