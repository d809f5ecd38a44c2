"""Who watches what: every process that lives on this store, and the services that it has, as the store says."""

from __future__ import annotations

from dataclasses import dataclass

from hutch.commands.context import Context
from hutch.model.duty import Roll, called, service_of, watching


@dataclass(frozen=True, slots=True)
class Watcher:
    """A process that could watch; without ``services`` it stands by. ``late`` in seconds."""

    name: str
    services: tuple[str, ...]
    late: float


async def watchers(context: Context) -> tuple[list[Watcher], list[str]]:
    """Those that live, and the services that nobody watches though somebody could; nothing where none lives."""
    roll = await context.duties.roll() if context.duties else None
    found = sorted(_watchers(roll), key=lambda watcher: watcher.name) if roll else []
    alone = [name for name in context.services if roll and found and not roll.has(watching(name))]
    return found, alone


def _watchers(roll: Roll) -> list[Watcher]:
    had = [(roll.has(duty), service_of(duty)) for duty in sorted(roll.leases)]
    return [
        Watcher(called(name), tuple(service for holder, service in had if service and holder == name), member.late)
        for name, member in roll.members.items()
        if any(map(service_of, member.able))
    ]
