"""What every command works with; bootstrap makes one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hutch.commands.board import Board
from hutch.commands.errors import CommandError as CommandError
from hutch.commands.recalled import Recalled, Stories
from hutch.commands.vitals import Vitals
from hutch.model.accounts import Accounts
from hutch.model.config import Config, ServiceConfig
from hutch.model.duty import Duties, Watches
from hutch.model.message import Channel
from hutch.model.probe import ProbeConfig
from hutch.model.register import Register
from hutch.ports import (
    Archives,
    Connection,
    Evidence,
    Notifier,
    Outputs,
    Probe,
    Provider,
    Queue,
    Samples,
    Secrets,
    Sightings,
    Store,
    Wallclock,
)
from hutch.runbook.values import Source


@dataclass(frozen=True, slots=True)
class Service:
    """A configured service with its open connections, by provider. ``known`` are the placeholders that its targets'
    settings fill in."""

    config: ServiceConfig
    connections: Mapping[str, Connection]
    known: tuple[Source, ...] = ()

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self.config.name

    def offering(self, verb: str, args: Mapping[str, object]) -> Connection | None:
        """The connection that offers ``verb`` as an action, or answers it. Of several the one that keeps the secret, or
        restarts the component, that ``args`` name goes first, then one that names none of its own."""
        all_ = self.connections.values()
        done = [c for c in all_ if does(c, verb, args)]
        able = done or [c for c in all_ if verb in c.runs]
        named = [c for c in able if args.get("secret") in c.secrets or args.get("component") in c.parts]
        plain = [c for c in able if not c.secrets and (c.platform or not c.parts)]
        return next(iter([*named, *plain, *able]), None)


def does(connection: Connection, verb: str, args: Collection[str]) -> bool:
    """Whether it does the action, and with such arguments."""
    takes = connection.takes.get(verb)
    return verb in connection.actions and (takes is None or not takes.isdisjoint(args))


def _no_probes(config: ProbeConfig) -> Probe:
    """Where nobody wired any."""
    raise CommandError(f"probe {config.name!r}: there is nothing here that could do it", 2)


def _no_channels(channel: Channel) -> Notifier:
    """Where nobody wired any."""
    raise CommandError(f"channel {channel.name!r}: there is nothing here that could send", 2)


@dataclass(frozen=True, slots=True)
class Context:
    """The store, the clock, the services: all that commands may touch. ``home`` is the folder of ``.hutch``."""

    config: Config
    home: Path
    store: Store
    queue: Queue
    clock: Wallclock
    secrets: Secrets
    services: Mapping[str, Service]
    providers: Mapping[str, Provider]
    outputs: Outputs | None = None
    samples: Samples | None = None
    board: Board = field(default_factory=Board)
    recalled: Recalled = field(default_factory=Recalled)
    stories: Stories = field(default_factory=Stories)
    sightings: Sightings | None = None
    duties: Duties | None = None
    watches: Watches | None = None
    register: Register | None = None
    following: asyncio.Lock = field(default_factory=asyncio.Lock)  # held by who brings the register to the log's end
    probe_codes: frozenset[str] = frozenset()
    open_probe: Callable[[ProbeConfig], Probe] = _no_probes
    vitals: Vitals = field(default_factory=Vitals)
    evidence: Evidence | None = None
    open_notifier: Callable[[Channel], Notifier] = _no_channels
    accounts: Accounts | None = None
    archiving: asyncio.Lock = field(default_factory=asyncio.Lock)  # held by who writes or takes away an archive
    archives: Callable[[], Archives] | None = None  # opened when it is needed: a bucket takes its time

    def service(self, name: str = "") -> Service:
        """The service of that name; without one, the only service there is. Raises :class:`CommandError`."""
        if name in self.services:
            return self.services[name]
        known = ", ".join(self.services) or "none"
        if name:
            raise CommandError(f"unknown service {name!r}; configured: {known}", 2)
        if len(self.services) == 1:
            return next(iter(self.services.values()))
        raise CommandError(f"name a service with --service; configured: {known}", 2)

    async def close(self) -> None:
        """Let go of every connection and the store."""
        for service in self.services.values():
            for connection in service.connections.values():
                await connection.close()
        for beside in (self.duties, self.watches, self.sightings, self.samples, self.register, self.accounts):
            if beside:
                await beside.close()
        await self.store.close()
