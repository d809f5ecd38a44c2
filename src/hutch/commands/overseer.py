"""Who watches the watchers: each measures how late its own evaluations are, and one of them says so of all, as an
alert, and pings a dead man's switch.

The alert goes the way of all alerts: it opens an incident, so whoever is notified of those hears of it. When Hutch is
too ill even for that, the pings stop, and the switch outside says so.
"""

from __future__ import annotations

import asyncio
import http.client
import logging
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hutch.commands import alerts
from hutch.commands.context import CommandError, Context
from hutch.commands.watched import SignalView, Watched
from hutch.detection.phases import CALM, advance
from hutch.model.alert import UNKNOWN_START, Alert
from hutch.model.severity import Severity
from hutch.ports import StoreAway, StoreFull

OWN = "hutch"
"""Hutch as a service: its own alerts and signals."""

SIGNAL = "hutch_evaluation_lateness_seconds"

EVERY = 5.0
"""Seconds between two looks at the lateness."""

LATE = 15.0
"""Seconds after its time at which an evaluation is late: rules with short durations would miss what they are for."""

LATE_FOR = timedelta(seconds=30)
"""How long it must be late to be said: one slow disk or one busy second is not falling behind."""

PING_TIMEOUT = 10.0

log = logging.getLogger("hutch.overseer")


@dataclass(slots=True)
class Beat:
    """When the next evaluation of one service is due, by the event loop's clock."""

    due: float


class Overseer:
    """Looks at the beats of all services of this process until it is cancelled. ``others``: how late the latest of the
    other processes is, in seconds; ``speaks``: whether it is this one that says it."""

    def __init__(
        self,
        context: Context,
        beats: Callable[[], Iterable[Beat]],
        others: Callable[[], float] = lambda: 0.0,
        speaks: Callable[[], bool] = lambda: True,
    ) -> None:
        self.context = context
        self.beats, self.others, self.speaks = beats, others, speaks
        self.own = self.track = CALM
        self.alert: Alert | None = None
        self.first = True

    async def run(self) -> None:
        """Look, and ping, each at its own pace."""
        tasks = [self._look_on()]
        if self.context.config.watchdog:
            tasks.append(self._ping_on())
        await asyncio.gather(*tasks)

    async def _look_on(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Measure once, and say what changed."""
        now, loop = self.context.clock.now(), asyncio.get_running_loop()
        vitals = self.context.vitals
        vitals.late(max((loop.time() - beat.due for beat in self.beats()), default=0.0))
        worst = max(vitals.lateness, self.others())
        self.own = advance(self.own, vitals.lateness > LATE, now, LATE_FOR)
        self.track = advance(self.track, worst > LATE, now, LATE_FOR)
        vitals.behind = self.own.firing
        self._show(now, worst)
        if not self.speaks():
            self.alert, self.first = None, True
            return
        if self.context.samples:
            await self.context.samples.record(OWN, now, {SIGNAL: worst})
        try:
            await self._say(now, worst)
        except (StoreFull, StoreAway, CommandError) as error:
            log.error("that Hutch falls behind cannot be recorded: %s", error)

    async def _say(self, now: datetime, lateness: float) -> None:
        if self.track.firing and self.alert is None:
            summary = f"evaluations of alert rules are {lateness:.0f} s late: alerts may come late or not at all"
            log.error("Hutch falls behind: %s", summary)
            alert = Alert(SIGNAL, OWN, Severity.SEV2, now, summary, lateness, since=self.track.since)
            await alerts.receive(self.context, [alert])
            self.alert = alert
        elif not self.track.firing and (self.alert or self.first):
            ended = self.alert or Alert(SIGNAL, OWN, Severity.SEV2, UNKNOWN_START, "on time again")
            await alerts.receive(self.context, [_ended(ended, now)])  # also what a killed one left firing
            self.alert = None
        self.first = False

    def _show(self, now: datetime, lateness: float) -> None:
        """Hutch's own signals, beside those of the services."""
        view = SignalView(SIGNAL, "s", "how late the evaluation of alert rules is", lateness)
        self.context.board.watched[OWN] = Watched(OWN, now, (view,))

    # -------------------------------------------------------------- the dead man's switch

    async def _ping_on(self) -> None:
        watchdog = self.context.config.watchdog
        assert watchdog is not None
        while True:
            if self.speaks() and not self.context.vitals.behind and not self.track.firing:
                await self.ping()
            await asyncio.sleep(watchdog.every.total_seconds())

    async def ping(self) -> None:
        """Tell the switch that Hutch is alive. Raises nothing: the switch notices by itself when it is not told."""
        watchdog = self.context.config.watchdog
        assert watchdog is not None
        result = "failed"
        try:
            url = self.context.secrets.resolve(watchdog.url)
            status = await asyncio.wait_for(asyncio.to_thread(_get, url), PING_TIMEOUT * 2)
            result = "ok" if status < 400 else "failed"
            if result == "failed":
                log.warning("the watchdog's switch answers %d", status)
        except LookupError as error:
            log.warning("the watchdog's switch is not pinged: %s", error.args[0])
        except (http.client.HTTPException, TimeoutError, OSError, ValueError) as error:
            log.warning("the watchdog's switch does not answer: %s", type(error).__name__)
        self.context.vitals.pings[result] += 1


def _get(url: str) -> int:
    """The status of the answer. By the standard library, in a thread: a client for one request in a minute would be
    loaded by every command that knows of the monitor."""
    if not url.startswith(("http://", "https://")):
        raise ValueError("the address of the watchdog is no http or https URL")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url), timeout=PING_TIMEOUT) as answer:  # noqa: S310  (checked above)
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def _ended(alert: Alert, now: datetime) -> Alert:
    return Alert(alert.rule, alert.service, alert.severity, alert.starts_at, alert.summary, ends_at=now)
