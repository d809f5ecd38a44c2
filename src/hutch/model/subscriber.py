"""Those who asked to be told of what the status page says: each is the fold of the stream ``subscriber:ID``. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from hutch.model.event import Draft, Event

STREAMS = "subscriber:"

ASKED, CONFIRMED, LEFT = "subscriber.asked", "subscriber.confirmed", "subscriber.left"

GOOD_FOR = timedelta(hours=48)
"""How long a confirmation may take."""

AGAIN = timedelta(hours=1)
"""Before that nobody is asked again, however often somebody fills in their address."""

_MAIL = re.compile(r"[^\s@<>\"(),:;\\\[\]]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}")


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Whoever has the mail ``address``, or takes webhooks there, once it was ``confirmed``."""

    id: str
    address: str
    asked: datetime
    confirmed: bool = False

    @property
    def stream(self) -> str:
        """``subscriber:ID``."""
        return STREAMS + self.id

    @property
    def hook(self) -> bool:
        """Whether the address is that of a webhook."""
        return self.address.startswith(("https://", "http://"))

    def may_confirm(self, now: datetime) -> bool:
        """Whether the last asking is recent enough."""
        return now - self.asked <= GOOD_FOR


def new_id(address: str) -> str:
    """The same for the same address, so that it is asked once."""
    return hashlib.sha256(address.encode()).hexdigest()[:20]


def checked(address: str) -> str:
    """The address as it is kept. Raises ``ValueError`` that says what is wrong.

    >>> checked(" Ann@Example.com ")
    'Ann@example.com'
    """
    address = address.strip()
    if len(address) > 254 or not _MAIL.fullmatch(address):
        raise ValueError("expected an address such as ann@example.com")
    local, _, host = address.rpartition("@")
    return f"{local}@{host.lower()}"


def checked_hook(url: str) -> str:
    """The address of a webhook as it is kept. Raises ``ValueError`` that says what is wrong.

    >>> checked_hook(" https://Hooks.Example.com/42?a=b ")
    'https://hooks.example.com/42?a=b'
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        good = bool(parts.hostname) and parts.port != 0 and not parts.fragment and parts.username is None
    except ValueError:
        good = False
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= 1000
    if not (good and plain and parts.scheme in ("https", "http")):
        raise ValueError("expected an address such as https://hooks.example.com/42, without a password in it")
    return parts._replace(netloc=parts.netloc.lower()).geturl()


def asked(address: str) -> Draft:
    """Somebody asked for it, perhaps for another: nothing is sent there but the question."""
    return Draft(ASKED, {"address": address}, "visitor")


def fold(events: Iterable[Event]) -> Subscriber | None:
    """The subscriber of a stream; None where there is none, or who left."""
    state: Subscriber | None = None
    for event in events:
        if event.kind == ASKED and event.data.get("address"):
            name = event.stream.removeprefix(STREAMS)
            state = Subscriber(name, str(event.data["address"]), event.at)
        elif event.kind == CONFIRMED and state:
            state = replace(state, confirmed=True)
        elif event.kind == LEFT:
            state = None
    return state
