"""What sends messages: the port that the core needs, and what a kind of it declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from hutch.model.action import Outcome
from hutch.model.message import Message
from hutch.model.setting import Setting


class Notifier(Protocol):
    """Delivers messages over one channel."""

    async def notify(self, message: Message) -> Outcome:
        """Deliver it, and classify an error as recoverable or not: a stage retries. It raises only for a defect."""

    async def look(self) -> Outcome:
        """Whether it could deliver now, as far as that can be told without sending anything."""


@dataclass(frozen=True, slots=True)
class NotifierKind:
    """One way to send messages, found through the entry-point group ``hutch.notifiers``.

    ``check`` looks at the configuration, where secrets are references, and raises ``ValueError``: key, what it must be.
    ``open`` takes it with the secrets resolved and connects to nothing. ``follows``: it also wants to hear that an
    incident was acknowledged or resolved which it was told of.
    """

    name: str
    summary: str
    settings: tuple[Setting, ...]
    check: Callable[[Mapping[str, object]], None]
    open: Callable[[Mapping[str, object]], Notifier]
    follows: bool = False
