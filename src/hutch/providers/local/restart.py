"""``service.restart``: the service's replicas, or one of the servers beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.local.client import Client, Component, PlatformStatus
from hutch.providers.local.doing import all_ready, judged, moment, said_of, text
from hutch.remote import Args, Refused, applied, previewed

SERVICE = "service"
_CUTS = {
    "postgres": "every session is cut, and what it had not committed is rolled back",
    "redis": "every client is cut, and what it holds in memory alone is lost",
}


@dataclass(frozen=True, slots=True)
class Restart:
    """``component`` is ``service`` (the default: every replica is replaced by a new one of the same release, without a
    gap), ``postgres`` or ``redis``; a server that is down is started.

    ``since`` (ISO 8601, optional) is the moment after which all must have begun; without it replicas must be younger
    than the setting ``fresh_within``. A server must run, and as another process than the one that we restarted.
    """

    client: Client
    now: Callable[[], datetime]
    effect: Effect = Effect.CHANGE
    replaced: dict[str, int | None] = field(default_factory=dict)
    """The process that each server had when we restarted it."""

    @previewed
    async def preview(self, args: Args) -> Preview:
        """What is restarted, and who notices."""
        status = await self.client.status()
        if _named(args) != SERVICE:
            return _of_server(_server(args, status))
        items, count = tuple(str(replica) for replica in status.replicas), len(status.replicas)
        said = f"restart release {status.release}: {count} replicas are replaced, new ones first{_cut(status)}"
        return Preview(said, count, items, "none is needed: the same release runs")

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Restart, and answer once it serves."""
        status = await self.client.status()
        if _named(args) != SERVICE:
            return await self._restarted(_server(args, status))
        count = len(status.replicas)
        await self.client.change("/restart", {"component": SERVICE} if status.components else {})
        return Outcome(Result.DONE, f"{count} replicas were replaced", hits=count)

    async def verify(self, args: Args) -> Verification:
        """Passed when it runs, and began after the restart was asked for."""
        if _named(args) == SERVICE:
            return await judged(self.client, args, self._judge)
        return await judged(self.client, args, self._judge_server, while_busy=True)

    async def _restarted(self, server: Component) -> Outcome:
        self.replaced[server.name] = server.pid
        await self.client.change("/restart", {"component": server.name})
        return Outcome(Result.DONE, f"{server.name} was {'restarted' if server.pid else 'started'}", hits=1)

    def _judge(self, args: Args, status: PlatformStatus) -> Verification:
        oldest = min((r.started_at for r in status.replicas if r.started_at), default=None)
        since = moment(args)
        if oldest is None:
            return said_of(Verified.PENDING, "no replica runs yet", status)
        age = (self.now() - oldest).total_seconds()
        if oldest < since if since else age > self.client.config.fresh_within:
            return said_of(Verified.FAILED, f"a replica has run for {age:.0f} s: it was not replaced", status)
        return all_ready(status, f"every replica is at most {max(age, 0):.0f} s old")

    def _judge_server(self, args: Args, status: PlatformStatus) -> Verification:
        """After a crash of ours we no longer know the process from before: then that it runs must do."""
        server = _server(args, status)
        since = moment(args)
        if server.pid is None:
            return Verification(Verified.FAILED, f"{server.name} does not run", (str(server),))
        same = server.pid == self.replaced.get(server.name)
        if same or (since and server.started_at and server.started_at < since):
            return Verification(Verified.FAILED, f"{server.name} runs, and was not restarted", (str(server),))
        return Verification(Verified.PASSED, f"{server.name} runs", (str(server),))


def _named(args: Args) -> str:
    return text(args, "component") or SERVICE


def _server(args: Args, status: PlatformStatus) -> Component:
    """The server that is named. :class:`Refused` names those that there are."""
    name = _named(args)
    if name not in status.components:
        known = ", ".join((SERVICE, *status.components))
        raise Refused(f"there is no component {name} here; there are: {known}", recoverable=False)
    return status.components[name]


def _of_server(server: Component) -> Preview:
    if server.pid is None:
        return Preview(f"start {server}", 1, (str(server),), "none is needed: it was down")
    cut = _CUTS.get(server.name, "every connection to it is cut")
    said = f"restart {server}, which runs: {cut}; the service fails until it is back"
    return Preview(said, 1, (str(server),), "none is needed: it runs as before")


def _cut(status: PlatformStatus) -> str:
    """A word of warning where the service is well."""
    well = status.ready == len(status.replicas) and status.ready > 0
    return "; it serves now, and requests that take longer than its replicas wait are cut" if well else ""
