"""Looking once, by hand: what ``hutch probe run`` does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from difflib import get_close_matches

from hutch.commands.context import CommandError, Context
from hutch.detection import probes
from hutch.detection.probes import Place
from hutch.model.probe import ProbeConfig, Sighting
from hutch.ports import Probe

AT_ONCE = 50
"""Looks by hand that are under way at a time."""


def chosen(context: Context, name: str = "") -> tuple[ProbeConfig, ...]:
    """The probe of that name, or all. Raises :class:`CommandError` for an unknown one."""
    found = tuple(p for p in context.config.probes if name in ("", p.name))
    if not name or found:
        return found
    known = [p.name for p in context.config.probes]
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"configured: {', '.join(known) or 'none'}"
    raise CommandError(f"there is no probe {name!r}; {hint}", 2)


async def once(context: Context, asked: Sequence[ProbeConfig]) -> list[Sighting]:
    """Look with each of them now, from here, whatever their locations are; nothing is stored."""
    room, here = asyncio.Semaphore(AT_ONCE), context.config.location
    opened = [(config, context.open_probe(config)) for config in asked]

    async def one(config: ProbeConfig, probe: Probe) -> Sighting:
        async with room:
            return await sighted(context, config, probe, here)

    return list(await asyncio.gather(*(one(*pair) for pair in opened)))


async def sighted(context: Context, config: ProbeConfig, probe: Probe, location: str) -> Sighting:
    """What one look sees, without secrets."""
    at = context.clock.now()
    seen = (await probe()).with_text(context.secrets.mask)
    return Sighting(config.name, config.service, location, at, seen)


async def standing(context: Context) -> list[Place]:
    """Every probe at every place, by what was seen last."""
    seen = await context.sightings.latest() if context.sightings else []
    return probes.standing(context.config.probes, seen, context.clock.now(), context.config.time_scale)


def shown_target(config: ProbeConfig) -> str:
    """The target for people; one that is a secret as its reference."""
    source, _, place = config.target.partition(":")
    if source in ("env", "file"):
        return f"{{{source}: {place}}}"
    return config.target.removeprefix("plain:")
