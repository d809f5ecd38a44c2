"""Another process on the same store; run as ``python child.py VERB PLACE NAME COUNT``. It prints a line a success."""

from __future__ import annotations

import asyncio
import sys
from itertools import count
from pathlib import Path

from hutch.bootstrap.stores import is_database, open_database
from hutch.model.event import Draft
from hutch.ports import Append, Conflict, Job, Queue, Store
from hutch.queue.local import LocalQueue
from hutch.store.clock import SYSTEM_CLOCK
from hutch.store.sqlite import SqliteStore


def say(text: object) -> None:
    print(text, flush=True)


async def append(store: Store, queue: Queue, name: str, times: int) -> None:
    """Append to a shared stream and to an own one, half of them on the expectation of the head just read."""

    async def once(n: int) -> None:
        while True:
            head = len(await store.read("run:shared")) if n % 2 else None
            shared = Append("run:shared", (Draft("noted", {"by": name, "n": n}),), head)
            try:
                await store.commit([shared, Append(f"run:{name}", (Draft("noted", {"n": n}),))])
            except Conflict:
                continue
            return say(n)

    for first in range(0, times, 10):
        await asyncio.gather(*(once(n) for n in range(first, first + 10)))


async def flood(store: Store, queue: Queue, name: str, lanes: int) -> None:
    """Without end: an event and its job in one commit, in several lanes at once."""
    numbers = count(1)

    async def lane() -> None:
        while True:
            n = next(numbers)
            event = Append(f"run:{n % 5}", (Draft("noted", {"n": n, "text": "x" * 300}),))
            await store.commit([event], [Job("drive", f"run:{n}", data={"n": n})])
            say(n)

    await asyncio.gather(*(lane() for _ in range(lanes)))


async def hold(store: Store, queue: Queue, name: str, _: int) -> None:
    """Take a job and sit on it."""
    taken = await queue.take(["drive"])
    say(taken.id if taken else "none")
    await asyncio.sleep(60)


async def defer(store: Store, queue: Queue, name: str, _: int) -> None:
    """Defer a job once told to."""
    say("ready")
    await asyncio.to_thread(sys.stdin.readline)
    await store.commit([], [Job("drive", name)])
    say("deferred")


def pair(place: str) -> tuple[Store, Queue]:
    if is_database(place):
        return open_database(place, SYSTEM_CLOCK)
    store = SqliteStore(Path(place))
    return store, LocalQueue(store)


async def main(verb: str, place: str, name: str, number: str) -> None:
    store, queue = pair(place)
    await {"append": append, "flood": flood, "hold": hold, "defer": defer}[verb](store, queue, name, int(number))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
