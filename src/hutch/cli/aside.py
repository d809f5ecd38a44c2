"""A process that stays stands aside, with a word, once its store was brought to a schema that it cannot work on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import click

from hutch.bootstrap.stores import Place, check_schema
from hutch.commands.context import CommandError
from hutch.ports import StoreAway, StoreFull
from hutch.store.errors import StoreError

EVERY = 5.0
"""Seconds between two looks."""


@asynccontextmanager
async def while_ours(place: Place, stop: asyncio.Event) -> AsyncIterator[None]:
    """Inside, ``stop`` is set once the store is not for this version any more: what is under way ends in order.

    Raises :class:`CommandError` for that at the end.
    """
    looking = asyncio.create_task(_too_new(place, stop), name="schema")
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
    if not looking.cancelled():
        raise CommandError(f"this process stood aside: {looking.result()}", 1)


async def _too_new(place: Place, stop: asyncio.Event) -> StoreError:
    while True:
        await asyncio.sleep(EVERY)
        with suppress(StoreAway, StoreFull):  # that is said elsewhere
            try:
                await asyncio.to_thread(check_schema, place)
            except StoreError as error:
                click.echo(f"hutch: {error}; what is under way ends, nothing new is begun", err=True)
                stop.set()
                return error
