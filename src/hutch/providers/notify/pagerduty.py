"""PagerDuty's Events API v2: trigger, acknowledge, resolve. The incident's number is the ``dedup_key``, so a second
copy of a message, or a second incident manager, changes nothing there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hutch.model.action import Outcome
from hutch.model.message import Message
from hutch.providers.notify.post import as_json, dial_url, own_host, post
from hutch.providers.notify.reach import Networks, networks_of
from hutch.providers.notify.settings import http_url, seconds

LONGEST = 1024
"""Characters of a summary: PagerDuty's limit."""

SEVERITIES: Mapping[str, str] = {"SEV-1": "critical", "SEV-2": "error", "SEV-3": "warning", "SEV-4": "info"}
"""What our severities are called there."""


@dataclass(frozen=True, slots=True)
class PagerDuty:
    """Sends events to one PagerDuty service."""

    key: str = field(repr=False)
    url: str = field(repr=False)
    timeout: float
    networks: Networks = ()

    async def notify(self, message: Message) -> Outcome:
        """Send the event; an update of an incident is a trigger with the same key, which pages nobody anew."""
        return await post(
            self.url, as_json(event(self.key, message)), {"User-Agent": "hutch"}, self.timeout, self.networks
        )

    async def look(self) -> Outcome:
        """Whether it can be reached; nothing is sent."""
        return await dial_url(self.url, self.timeout, self.networks)


def event(key: str, message: Message) -> dict[str, object]:
    """The event of a message. A test that belongs to no incident has the message's id as its key."""
    told: dict[str, object] = {
        "routing_key": key,
        "event_action": message.act or "trigger",
        "dedup_key": message.incident or message.id,
    }
    if message.act in ("", "trigger"):
        told["client"] = "Hutch"
        told["payload"] = {
            "summary": (message.title or message.body)[:LONGEST] or "Hutch",
            "source": own_host(),
            "severity": SEVERITIES.get(message.severity, "info"),
            "custom_details": {"message": message.id, "text": message.body, "incident": message.incident},
        }
    return told


def opened(settings: Mapping[str, object]) -> PagerDuty:
    """The channel. Raises ``ValueError``."""
    return PagerDuty(
        str(settings["routing_key"]),
        http_url(str(settings["url"])),
        seconds(settings),
        networks_of(settings["networks"]),
    )
