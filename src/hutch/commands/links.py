"""One-time signed links that acknowledge an incident. A link does that and nothing else: it never approves anything.

Mail scanners fetch links, so opening one does nothing: only the form behind it acknowledges.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets as randomness
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from itsdangerous import BadSignature, URLSafeSerializer

from hutch.commands import incidents
from hutch.commands.context import CommandError, Context
from hutch.model import incident as model
from hutch.model.event import Draft, Event
from hutch.model.incident import Incident
from hutch.model.message import Message
from hutch.ports import Append, Conflict

GOOD_FOR = timedelta(hours=24)
"""How long a link may be used."""

PATH = "/a/"
PLACE = "⟨link⟩"
"""Stands in the text of a message until it is sent: who reads the log does not get the link."""
USED = "link.used"
SALT = "hutch.acknowledge.v1"

SUBSCRIPTION = "/subscription/"
SUBSCRIBER_SALT = "hutch.subscriber.v1"
HOOK_SALT = "hutch.webhook.v1"


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is good for: this person may acknowledge this incident, once, until then."""

    incident: str
    message: str
    person: str
    until: int

    def ended(self, now: datetime) -> bool:
        """Whether its time is over."""
        return now.timestamp() > self.until


def make(context: Context, incident: str, message: str, person: str) -> str:
    """The address of a link for one message; empty where no address is configured."""
    address = context.config.notify.address
    if not address:
        return ""
    until = int((context.clock.now() + GOOD_FOR).timestamp())
    token = _signer(context).dumps([incident, message, person, until])
    return f"{address}{PATH}{token if isinstance(token, str) else token.decode()}"


def of(context: Context, message: Message) -> str:
    """The link that belongs to a message; in words where nobody has one."""
    link = make(context, message.incident, message.id, message.person) if message.person else ""
    return link or f"hutch incident ack {message.incident}"


def read(context: Context, token: str) -> Link:
    """What a token says. Raises :class:`CommandError` for one that we did not sign, or whose time is over."""
    try:
        found = _signer(context).loads(token)
    except BadSignature:
        raise CommandError("this link is not one of ours, or not whole: copy all of it", 2) from None
    link = Link(str(found[0]), str(found[1]), str(found[2]), int(found[3]))
    if link.ended(context.clock.now()):
        raise CommandError("this link's time is over: `hutch incident ack` still acknowledges", 1)
    return link


async def look(context: Context, link: Link) -> tuple[Incident, str]:
    """The incident of a link, and why it cannot be used any more (empty: it can)."""
    events = await context.store.read(model.stream_of(link.incident))
    state = model.fold(events)
    if state is None:
        raise CommandError("the incident of this link is not in this store", 2)
    return state, _spent(link, state, events)


def _spent(link: Link, state: Incident, events: Sequence[Event]) -> str:
    used = next((e for e in events if e.kind == USED and e.data.get("message") == link.message), None)
    if used:
        return f"this link was used by {used.actor} at {used.at:%H:%M:%S} UTC"
    if not state.open:
        return f"{state.id} is resolved"
    if state.clock("response") is None:
        return f"{state.acknowledged_by or 'somebody'} has it already"
    return ""


async def use(context: Context, link: Link) -> Incident:
    """Acknowledge, once. Raises :class:`CommandError` that says what happened instead."""
    for _ in range(incidents.TRIES):
        state, spent = await look(context, link)
        if spent:
            raise CommandError(spent, 1)
        drafts = [
            Draft(USED, {"message": link.message, "person": link.person}, link.person),
            *incidents.acknowledgement_drafts(context, state, link.person),
        ]
        with suppress(Conflict):
            append = Append(state.stream, tuple(drafts), expect=state.seq)
            await context.store.commit([append], [incidents.clock_job(state.id)])
            return await incidents.load(context, state.id)
    raise CommandError(f"{link.incident} is being changed by too many at once; try again")


# ------------------------------------------------------------------ subscribers of the status page


def subscriber(context: Context, stream: str, asked: bool) -> str:
    """The link of a message to a subscriber: to confirm where they were ``asked``, else to leave. It has no end: who
    wants to leave may use any mail that they kept."""
    page = context.config.status_page
    token = URLSafeSerializer(_key(context), salt=SUBSCRIBER_SALT).dumps([stream, asked])
    return f"{page.address if page else ''}{SUBSCRIPTION}{token if isinstance(token, str) else token.decode()}"


def read_subscriber(context: Context, token: str) -> tuple[str, bool]:
    """The stream, and whether the link confirms. Raises :class:`CommandError` for one that we did not sign."""
    try:
        stream, asked = URLSafeSerializer(_key(context), salt=SUBSCRIBER_SALT).loads(token)
    except (BadSignature, ValueError, TypeError):
        raise CommandError("this link is not one of ours, or not whole: copy all of it", 2) from None
    return str(stream), bool(asked)


def hook_key(context: Context, stream: str) -> str:
    """What messages to a subscriber's webhook are signed with: theirs alone, and kept nowhere."""
    return hmac.new(_key(context).encode(), f"{HOOK_SALT} {stream}".encode(), hashlib.sha256).hexdigest()


def _signer(context: Context) -> URLSafeSerializer:
    return URLSafeSerializer(_key(context), salt=SALT)


def _key(context: Context) -> str:
    """The configured secret, else one that is made once beside the store and readable by its owner alone."""
    reference = context.config.notify.link_secret
    if reference:
        return context.secrets.resolve(reference)
    path = context.home / "links.key"
    with suppress(FileExistsError):
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "w", encoding="ascii") as file:
            file.write(randomness.token_hex(32))
    return path.read_text(encoding="ascii")
