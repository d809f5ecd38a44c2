"""``hutch worker``: further hands beside ``hutch serve``, on any number of machines."""

from __future__ import annotations

import asyncio
import os

import click

from hutch.bootstrap import heap
from hutch.bootstrap.stores import Place, check_shared, place_of
from hutch.bootstrap.wire import read_config
from hutch.cli.aside import while_ours
from hutch.cli.shell import config_path, with_context
from hutch.cli.signals import stop_signals
from hutch.commands.context import CommandError, Context
from hutch.commands.probing import Prober
from hutch.commands.shares import Shares
from hutch.commands.worker import Worker
from hutch.ports import StoreAway
from hutch.store.owner import mark

PATIENCE = 20
"""Tries, a second apart, to reach the store at the start; afterwards it is as patient by itself."""


@click.command()
@click.option("--location", default="", metavar="PLACE", help="Take only the jobs that are for this place.")
def worker(location: str) -> None:
    """Do jobs beside `hutch serve`: drive runs, answer incidents, ring clocks; with a place, its probes.

    On other machines it needs HUTCH_DATABASE_URL, the same that the server has. SIGTERM lets the statements that
    are under way end; after 20 seconds, or a second SIGTERM, they are broken off. Another worker goes on with the runs.
    """
    path = config_path()
    place = place_of(read_config(path)[0], path.resolve().parent)
    check_shared(place)
    place.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    marker = place.home / f"worker-{os.getpid()}"
    mark(marker)
    try:
        with_context(lambda context: _work(context, place, location), machine=True)
    finally:
        marker.unlink(missing_ok=True)


async def _work(context: Context, place: Place, location: str) -> None:
    stop, at_once = stop_signals()
    await _reached(context)
    shares = Shares(context.duties)
    prober = Prober(context, location, shares=shares) if location else None
    if prober and location == context.config.location:
        said = "give this worker another place, or leave `location` out of hutch.yaml on a machine where no server runs"
        raise CommandError(f"the probes of {location!r} run in `hutch serve`: {said}", 2)
    mine = f"jobs of {location}" if location else "jobs"
    click.echo(f"Hutch takes {mine} from {place.name}", err=True)
    heap.steady()
    looking = [asyncio.create_task(p.run(), name="probes") for p in ((prober, shares) if prober else ())]
    try:
        async with while_ours(place, stop):
            await Worker(context, watched=True, location=location).run(stop, at_once)
    finally:
        for part in looking:
            part.cancel()
        await asyncio.gather(*looking, return_exceptions=True)


async def _reached(context: Context) -> None:
    """A store that can't be reached is said now, not when the first job comes; one that is away for a moment, as when
    its machine starts too, is waited for."""
    for tries_left in reversed(range(PATIENCE)):
        try:
            await context.store.tail(0, 1)
            return
        except StoreAway:
            if not tries_left:
                raise
        await asyncio.sleep(1)
