"""What befalls a fleet: one thing after another, chosen by a seed, each healed before the next begins."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Sequence

import psycopg

from hutch.commands.shares import LEASE
from small_disk import Disk
from storm import Fleet, Member

Fault = Callable[[Fleet, random.Random], Awaitable[str]]
"""Does harm, heals it, and says in words what it did."""


UNTIL_TOLD = 20.0
"""Seconds for which a full disk stays full beyond its time, until somebody was told."""


def _living(fleet: Fleet) -> list[Member]:
    return [member for member in fleet.members if member.alive]


async def killed(fleet: Fleet, chance: random.Random) -> str:
    """kill -9 of one or two at once, and up again."""
    return await _killed(fleet, chance, chance.choice((1, 1, 2)))


async def one_killed(fleet: Fleet, chance: random.Random) -> str:
    """kill -9 of one, and up again."""
    return await _killed(fleet, chance, 1)


async def _killed(fleet: Fleet, chance: random.Random, number: int) -> str:
    down = chance.sample(_living(fleet), number)
    for member in down:
        member.signal(signal.SIGKILL)
    away = chance.uniform(0.0, 3.0)
    for member in down:
        await member.kill()
    await asyncio.sleep(away)
    for member in down:
        await member.start()
    return f"kill -9 of {', '.join(m.name for m in down)}, back after {away:.1f} s"


async def paused(fleet: Fleet, chance: random.Random) -> str:
    """SIGSTOP for longer than every lease; then it wakes up and thinks that nothing happened."""
    member, long = chance.choice(_living(fleet)), LEASE + chance.uniform(0.5, 4.0)
    member.signal(signal.SIGSTOP)
    await asyncio.sleep(long)
    member.signal(signal.SIGCONT)
    return f"{member.name} stood still for {long:.1f} s"


async def cut(fleet: Fleet, chance: random.Random) -> str:
    """The connection to the store, of one or of all; for some longer than a commit waits."""
    far = chance.choice(([chance.choice(fleet.members)], fleet.members))
    away = chance.choice((0.05, 0.5, 2.0, LEASE + 2, 22.0))
    for member in far:
        assert member.link
        member.link.set("cut")
    await asyncio.sleep(away)
    for member in far:
        assert member.link
        member.link.set("open")
    return f"{', '.join(m.name for m in far)} cut off from the store for {away:g} s"


async def frozen(fleet: Fleet, chance: random.Random) -> str:
    """Connections that stand and over which nothing comes."""
    member, away = chance.choice(fleet.members), chance.choice((1.0, LEASE + 2))
    assert member.link
    member.link.set("frozen")
    await asyncio.sleep(away)
    member.link.set("open")
    return f"nothing passed between {member.name} and the store for {away:g} s"


async def slow(fleet: Fleet, chance: random.Random) -> str:
    """Each piece that passes takes its time."""
    delay = chance.choice((0.02, 0.1, 0.3))
    for member in fleet.members:
        assert member.link
        member.link.set("open", delay)
    await asyncio.sleep(6)
    for member in fleet.members:
        assert member.link
        member.link.set("open")
    return f"the store was {delay:g} s away, there and back each"


async def jumped(fleet: Fleet, chance: random.Random) -> str:
    """The clock of one is another, for good."""
    member, ahead = chance.choice(fleet.members), chance.choice((-3600.0, -20.0, 20.0, 3600.0, 0.0))
    member.ahead.write_text(str(ahead))
    await asyncio.sleep(2)
    return f"the clock of {member.name} is {ahead:+g} s ahead"


def ended_sessions(url: str) -> Fault:
    """Every session of the store ended by its server."""

    async def ended(_fleet: Fleet, _chance: random.Random) -> str:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            mine = "datname = current_database() AND pid <> pg_backend_pid()"
            found = await connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {mine}")
            return f"the server ended {found.rowcount} sessions"

    return ended


def full(disk: Disk, up: Callable[[], Awaitable[str]] | None = None) -> Fault:
    """No room on the store's disk, for a moment or for longer than a lease, until somebody was told so; what is given
    back meanwhile is taken too. ``up`` starts a server of the store that did not outlive it."""

    async def filled(fleet: Fleet, chance: random.Random) -> str:
        loop, before = asyncio.get_running_loop(), fleet.told.full
        began, long = loop.time(), chance.choice((1.0, 4.0, LEASE + 2))
        while (past := loop.time() - began) < long or (
            up is None and fleet.told.full == before and past < long + UNTIL_TOLD
        ):
            await asyncio.to_thread(disk.fill)
            await asyncio.sleep(0.2)
        disk.free()
        assert up or fleet.told.full > before, "nobody was told that the disk is full"
        said = await up() if up else ""
        return f"the store's disk was full for {past:.1f} s, told {fleet.told.full - before} times{said}"

    return filled


async def befall(fleet: Fleet, faults: Sequence[Fault], chance: random.Random, seconds: float) -> None:
    """One after another for so long, each told with the second at which it was over."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() - began < seconds:
        said = await chance.choice(faults)(fleet, chance)
        print(f"{loop.time() - began:6.1f} s  {said}", flush=True)
        for member in [m for m in fleet.members if m.gave_up]:  # as its unit does: Restart=always
            print(
                f"{loop.time() - began:6.1f} s  {member.name} had not found its store and is started again", flush=True
            )
            await member.start()
        assert not (gone := [m.name for m in fleet.members if not m.alive]), f"ended by themselves: {gone}"
        await asyncio.sleep(chance.uniform(0.2, 2.0))
