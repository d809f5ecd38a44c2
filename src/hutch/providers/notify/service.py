"""Whatever apprise speaks. It says only whether a service took a message; what it logs may hold a token, so of that
the status alone is kept."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from hutch.model.action import Outcome, Result
from hutch.model.message import Message
from hutch.providers.notify.settings import seconds

FINAL = frozenset({400, 401, 403, 404, 405, 410, 413, 422})
"""Answers that another try does not change."""

_STATUS = re.compile(r"error[=: ]+(\d{3})\b")


class _Heard(logging.Handler):
    """Keeps the statuses of what is logged in this thread."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: list[int] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take the status out of a line."""
        self.statuses += [int(found) for found in _STATUS.findall(record.getMessage())]


@dataclass(frozen=True, slots=True)
class Service:
    """One apprise URL."""

    url: str = field(repr=False)
    timeout: float

    @property
    def name(self) -> str:
        """What it is called for people: the scheme alone."""
        return urlsplit(self.url).scheme or "apprise"

    async def notify(self, message: Message) -> Outcome:
        """Send it, its id as the last line of the text."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.timeout):
                taken, status = await asyncio.to_thread(self._send, message)
        except TimeoutError:
            return Outcome(Result.FAILED, f"{self.name} gave no answer in {self.timeout:g} s", recoverable=True)
        took = round(time.monotonic() - began, 3)
        if taken:
            return Outcome(Result.DONE, f"{self.name} took it", seconds=took)
        said = f"{self.name} did not take it" + (f": it answered {status}" if status else "")
        return Outcome(Result.FAILED, said, seconds=took, recoverable=status not in FINAL)

    def _send(self, message: Message) -> tuple[bool, int]:
        log, heard = logging.getLogger("apprise"), _Heard()
        log.addHandler(heard)
        log.propagate = False
        try:
            sent = self._opened().notify(title=message.title, body=f"{message.body}\n\n({message.id})")
        finally:
            log.removeHandler(heard)
        return bool(sent), heard.statuses[-1] if heard.statuses else 0

    def _opened(self) -> Any:
        """An apprise object with this one URL. Raises ``ValueError`` for one that it does not know."""
        known = import_module("apprise").Apprise()
        if not known.add(self.url):
            raise ValueError("url: apprise does not know it; see its list of services")
        return known

    async def look(self) -> Outcome:
        """Whether apprise knows the URL; nothing is sent."""
        try:
            await asyncio.to_thread(self._opened)
        except ValueError as error:
            return Outcome(Result.FAILED, str(error))
        return Outcome(Result.DONE, f"a URL of {self.name}; whether it takes a message shows `hutch notify test`")


def opened(settings: Mapping[str, object]) -> Service:
    """The channel."""
    return Service(str(settings["url"]), seconds(settings))
