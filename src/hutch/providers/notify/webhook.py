"""A webhook of one's own: the message as JSON, its id in the body and in a header."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from hutch.model.action import Outcome
from hutch.model.message import Message
from hutch.providers.notify.post import as_json, dial_url, post
from hutch.providers.notify.reach import Networks, networks_of
from hutch.providers.notify.settings import http_url, seconds


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts each message; whoever receives it knows a second copy by its ``id``. Without ``url`` it goes only to where
    each message says, as those of subscribers do."""

    url: str = field(repr=False)
    secret: str = field(repr=False)
    timeout: float
    networks: Networks = ()

    async def notify(self, message: Message) -> Outcome:
        """Post it."""
        body = as_json(
            {
                "id": message.id,
                "title": message.title,
                "body": message.body,
                "incident": message.incident,
                "severity": message.severity,
                "audience": message.audience,
                "act": message.act,
                **({"leave": message.leave} if message.leave else {}),
            }
        )
        url, secret = (message.to, message.key) if message.to else (self.url, self.secret)
        headers = {"X-Hutch-Message": message.id, "User-Agent": "hutch"}
        if secret:
            headers["X-Hutch-Signature"] = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
        return await post(url, body, headers, self.timeout, self.networks)

    async def look(self) -> Outcome:
        """Whether something listens there; nothing is posted."""
        return await dial_url(self.url, self.timeout, self.networks)


def opened(settings: Mapping[str, object]) -> Webhook:
    """The channel. Raises ``ValueError``."""
    return Webhook(
        http_url(url) if (url := str(settings["url"])) else "",
        str(settings["secret"] or ""),
        seconds(settings),
        networks_of(settings["networks"]),
    )
