"""More workers on one Postgres: runs driven by 1, 2, 4 and 8 of them; and durable appends over bare commits there."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from itertools import count
from pathlib import Path

import psycopg
import yaml

from bench.measure import Figure, Goal, Line, Ratio, Round, line, parts, per_round
from bench.room import scratch
from hutch.bootstrap.stores import VARIABLE, open_database
from hutch.bootstrap.wire import open_context
from hutch.commands import respond
from hutch.commands.context import Context
from hutch.commands.worker import Worker
from hutch.engine.drive import drive_job
from hutch.model.event import Draft
from hutch.ports import Append
from hutch.store.clock import SYSTEM_CLOCK
from rolerabbit.embedded import Postgres

WORKERS = (1, 2, 4, 8)
RUNS = 25
"""Runs for each worker in a round."""

IO_SECONDS = 0.1
"""How long the one step of a run waits for its answer."""

LOOK_SECONDS = 0.05
"""Between two looks at what has ended: whoever measures keeps out of the way."""

EVENTS = 500
"""Appends under way at once; and as many bare commits, one after another."""

HOW = (
    "Each worker is a process that does one job at a time, on an embedded Postgres with fsync (a `hutch worker` "
    "does four at once); {runs} runs wait for each. A run has one step, an HTTP request that is answered after "
    "100 ms, and is driven from its first event to its last: read, diagnosis, end, each written by a commit of "
    "its own. The ratio is what linear growth would drive over what was driven, runs a second: 1.25 is 0.8 of "
    "linear. Appends: events a second of many concurrent callers (hashed, chained, each durable when its caller "
    "goes on) over bare commits of one row each on the same server; above 1 the store is faster than bare single "
    "commits."
)

_DOCUMENT = """# Bench

## Steps

### Diagnosis

```bash
curl {url}/slow
```
"""
_NUMBERS = count(1)


def measure(quick: bool) -> Figure:
    """One server for all rounds; the workers are started once and told when to work."""
    workers, runs = ((1, 2), 4) if quick else (WORKERS, RUNS)
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        server = stack.enter_context(Postgres.temporary(durable=True))
        appends = asyncio.run(_appends(server, 2 if quick else 10))
        driven = asyncio.run(_driven(server, folder, workers, runs, 1 if quick else 5))
    how = HOW.format(runs=runs)
    return Figure("workers", "Workers on Postgres", how, _ratios(driven, appends), {}, (_line(driven),))


def _line(driven: Sequence[Round]) -> Line:
    took = {int(name.split()[0]): [1 / r[name] for r in driven] for name in driven[0]}
    return line("a run", "workers", "s", took)


def _ratios(driven: Sequence[Round], appends: Sequence[Round]) -> tuple[Ratio, ...]:
    names = list(driven[0])
    one = names[0]
    grown = [
        Ratio(
            name.removesuffix(" (runs/s)"),
            "linear growth from one worker",
            per_round(driven, lambda r, name=name: int(name.split()[0]) * r[one] / r[name]),  # type: ignore[misc]
            Goal(1.25),
            parts(driven, one, name),
        )
        for name in names[1:]
    ]
    over = per_round(appends, lambda r: r["store (events/s)"] / r["bare (commits/s)"])
    return (*grown, Ratio("durable appends", "bare single commits", over, None, parts(appends, *appends[0])))


# ------------------------------------------------------------------ appends


async def _appends(server: Postgres, rounds: int) -> list[Round]:
    store, _ = open_database(server.createdb("appends"), SYSTEM_CLOCK)
    draft = Draft("statement.output", {"item": "bench", "text": "x" * 200})
    found: list[Round] = []
    with psycopg.connect(server.url, autocommit=True) as bare:
        bare.execute("CREATE TABLE bare (id bigserial PRIMARY KEY, data text)")
        for number in range(rounds):
            appends = [Append(f"run:{number}-{i}", (draft,)) for i in range(EVENTS)]
            began = time.perf_counter()
            await asyncio.gather(*(store.commit([append]) for append in appends))
            between = time.perf_counter()
            for _ in range(EVENTS):
                bare.execute("INSERT INTO bare (data) VALUES (%s)", ["x" * 300])
            ended = time.perf_counter()
            rates = {"store (events/s)": EVENTS / (between - began), "bare (commits/s)": EVENTS / (ended - between)}
            found.append(rates)
    await store.close()
    return found


# ------------------------------------------------------------------ runs


async def _driven(server: Postgres, folder: Path, workers: Sequence[int], runs: int, rounds: int) -> list[Round]:
    os.environ[VARIABLE] = server.createdb("runs")
    try:
        async with _slow_service() as url:
            config = _room(folder, url)
            context = open_context(config)
            with _children(config, max(workers)) as children:
                await asyncio.to_thread(_hear, children)
                found = [await _round(context, children, workers, runs) for _ in range(rounds)]
            await context.close()
            return found
    finally:
        del os.environ[VARIABLE]


@asynccontextmanager
async def _slow_service() -> AsyncIterator[str]:
    """Answers every request after :data:`IO_SECONDS`, on a connection that it then closes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(IO_SECONDS)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=256)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def _room(folder: Path, url: str) -> Path:
    (folder / "steps.md").write_text(_DOCUMENT.format(url=url), encoding="utf-8")
    service = {"http": {"url": url, "health": "", "metrics": ""}, "binds": {url: url}}
    path = folder / "hutch.yaml"
    path.write_text(yaml.safe_dump({"runbooks": ["steps.md"], "services": {"bench": service}}), encoding="utf-8")
    return path


async def _round(
    context: Context, children: Sequence[subprocess.Popen[str]], workers: Sequence[int], runs: int
) -> Round:
    return {f"{n} workers (runs/s)": await _rate(context, children[:n], runs * n) for n in workers}


async def _rate(context: Context, children: Sequence[subprocess.Popen[str]], runs: int) -> float:
    """Runs a second, from their deferring to the last one's end."""
    ids = await _deferred(context, runs)
    _say(children, "work")
    began = time.perf_counter()
    left, position = set(ids), 0
    while left:
        found = await context.store.tail(position, 10_000)
        left -= {event.stream.removeprefix("run:") for _, event in found if event.kind == "run.finished"}
        position = found[-1][0] if found else position
        if left:
            await asyncio.sleep(LOOK_SECONDS)
    took = time.perf_counter() - began
    _say(children, "rest")
    await asyncio.to_thread(_hear, children)
    await _check(context, ids)
    return runs / took


async def _check(context: Context, ids: Sequence[str]) -> None:
    """Raises ``RuntimeError`` for a run whose step did not pass: then something else was measured."""
    for run in ids:
        events = await context.store.read(f"run:{run}")
        if [e.data["status"] for e in events if e.kind == "statement.finished"] != ["passed"]:
            raise RuntimeError(f"run {run} did not do its step: {[e.kind for e in events]}")


async def _deferred(context: Context, runs: int) -> list[str]:
    """So many runs that have just been started, by one that was."""
    first = await respond.run_document(context, "steps", "bench", mode="observe")
    drafts = tuple(Draft(e.kind, e.data, e.actor) for e in await context.store.read(f"run:{first.id}"))
    ids = [f"R-20260115-{next(_NUMBERS):06x}" for _ in range(runs)]
    await context.store.commit([Append(f"run:{i}", drafts, expect=0) for i in ids], [drive_job(i) for i in ids])
    return [first.id, *ids]


# ------------------------------------------------------------------ the workers


@contextmanager
def _children(config: Path, number: int) -> Iterator[list[subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "bench.workers", str(config)]
    with ExitStack() as stack:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        started = [stack.enter_context(subprocess.Popen(command, text=True, **pipes)) for _ in range(number)]  # type: ignore[call-overload]
        try:
            yield started
        finally:
            for child in started:
                child.stdin.close()
                child.wait(30)


def _say(children: Sequence[subprocess.Popen[str]], word: str) -> None:
    for child in children:
        assert child.stdin
        child.stdin.write(f"{word}\n")
        child.stdin.flush()


def _hear(children: Sequence[subprocess.Popen[str]]) -> None:
    """Until each has said that it is ready, or rests. Raises ``RuntimeError`` for one that ended."""
    for child in children:
        assert child.stdout
        if not child.stdout.readline():
            raise RuntimeError("a worker ended")


async def child(config: Path) -> None:
    """One worker: does one job at a time between ``work`` and ``rest``, until standard input ends."""
    context = open_context(config)
    worker, lines = Worker(context), asyncio.Queue[str]()
    loop = asyncio.get_running_loop()

    def listen() -> None:
        for told in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, told.strip())
        loop.call_soon_threadsafe(lines.put_nowait, "")

    listening = asyncio.create_task(asyncio.to_thread(listen))
    await worker.context.queue.take(worker.kinds)  # connected, registered, warm
    print("ready", flush=True)
    while await lines.get():
        while lines.empty():
            if not await worker.step():
                await context.queue.wait(0.2)
        if await lines.get() == "rest":
            print("rests", flush=True)
    await listening
    await context.close()


if __name__ == "__main__":
    asyncio.run(child(Path(sys.argv[1])))
