"""Reads at the start what somebody would otherwise wait for at the first page: what the lists have to catch up with,
the long ones of the incidents that are open, and the stories of past ones."""

from __future__ import annotations

import logging

from hutch.commands import past, register
from hutch.commands.context import CommandError, Context
from hutch.commands.recalled import LONG, MOST
from hutch.commands.seen import whole
from hutch.model.register import Wanted
from hutch.ports import StoreAway, StoreFull

log = logging.getLogger("hutch.warming")


async def warm(context: Context) -> None:
    """Read it all once. Whatever cannot be read now is read by who asks for it."""
    try:
        for one in await register.entries(context, Wanted(open=True, most=MOST)):
            if one.seq >= LONG:
                await context.recalled.of(whole(context.store), one.id)
        await past.told(context)
    except (StoreAway, StoreFull, CommandError) as error:
        log.warning("the first pages will take longer: %s", error)
