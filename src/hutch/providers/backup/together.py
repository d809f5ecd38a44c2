"""Two things at once, of which neither outlives the other's failure."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from hutch.processes import firm

A = TypeVar("A")
B = TypeVar("B")


async def together(first: Coroutine[Any, Any, A], second: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """What both give. When one fails, or we are cancelled, the other is cancelled and waited for."""
    one, other = asyncio.ensure_future(first), asyncio.ensure_future(second)
    try:
        await asyncio.wait({one, other}, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        failed = await _ended(one, other)
    if failed is not None:
        raise failed
    return one.result(), other.result()


async def _ended(*tasks: asyncio.Task[Any]) -> BaseException | None:
    """Cancel those that still go on, once each, and wait for them; what one of them failed with."""
    with firm() as waits:
        for task in tasks:
            task.cancel()  # nothing to one that is done
        for task in tasks:
            await waits.wait(task)
    errors = [task.exception() for task in tasks if not task.cancelled()]
    return next((error for error in errors if error is not None), None)
