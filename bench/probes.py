"""Thousands of probes from one process: how late they begin, and what a look costs over a bare request."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.measure import Figure, Ratio, parts, per_round
from bench.room import scratch
from hutch.bootstrap.wire import open_context
from hutch.commands.probing import Prober

MANY, EVERY = 2000, 10
"""Probes, and the seconds of their interval."""

AT_ONCE = 20
"""Bare requests under way at a time: as many as probes that take a few milliseconds have."""

GOAL = 1.0
"""Seconds that the lateness of 99 of 100 looks must stay below."""

HOW = (
    "{many:,} HTTP probes every {every} s from one process, against a server in a process of its own on loopback; what "
    "they see goes to the store, as in `hutch serve`. Lateness is the time from a turn to its look. The floor is "
    "the same request over bare asyncio streams in the same process: connect, ask, read to the end. Goal: 99 of 100 "
    "looks less than {goal:g} s late."
)

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def measure(quick: bool) -> Figure:
    """Bare requests and a stretch of probing, in turn."""
    many, every, rounds, seconds = (200, 2, 2, 3.0) if quick else (MANY, EVERY, 5, 20.0)
    with scratch() as folder, serving() as port:
        path = folder / "hutch.yaml"
        path.write_text(configuration(port, many, every), encoding="utf-8")
        found = asyncio.run(measured(path, port, rounds, seconds))
    ratio = per_round(found, lambda r: r["a look (CPU ms)"] / r["bare request (CPU ms)"])
    late = max(r["lateness, p99 (s)"] for r in found)
    facts: dict[str, str | int | float] = {
        "probes": many,
        "interval (s)": every,
        "lateness p99, the worst round (s)": round(late, 4),
        f"goal < {GOAL:g} s": "met" if late < GOAL else "missed",
        "turns left out": int(sum(r["left out"] for r in found)),
    }
    how = HOW.format(many=many, every=every, goal=GOAL)
    behind = parts(found, *(name for name in found[0] if name != "left out"))
    return Figure("probes", "Probes", how, (Ratio("CPU of a look", "a bare request", ratio, None, behind),), facts)


def configuration(port: int, many: int, every: int) -> str:
    """So many probes of one server."""
    target = f"http://127.0.0.1:{port}/"
    rows = [
        f"  - {{name: p{n}, kind: http, target: '{target}', interval: {every}s, contains: [ok]}}" for n in range(many)
    ]
    return "\n".join([f"services: {{shop: {{http: {{url: '{target}', health: ''}}}}}}", "probes:", *rows, ""])


async def measured(path: Path, port: int, rounds: int, seconds: float) -> list[dict[str, float]]:
    """Each round: bare requests, then the probes for so long."""
    context = open_context(path)
    prober = Prober(context, context.config.location)
    running = asyncio.create_task(prober.run())
    try:
        return [await _round(prober, port, seconds) for _ in range(rounds)]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await context.close()


async def _round(prober: Prober, port: int, seconds: float) -> dict[str, float]:
    figures = prober.figures
    bare = await _bare(port, 400)
    figures.late.clear()
    done, skipped, cpu, began = figures.done, figures.skipped, time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    spent, looks = time.process_time() - cpu, figures.done - done
    share = spent / (time.monotonic() - began)
    if not looks:
        raise RuntimeError("no probe was done: is the configuration empty?")
    return {
        "a look (CPU ms)": 1000 * spent / looks,
        "bare request (CPU ms)": bare,
        "CPU of the process (%)": 100 * share,
        "looks a second": looks / seconds,
        "lateness, p99 (s)": figures.late_p99(),
        "left out": figures.skipped - skipped,
    }


async def _bare(port: int, count: int) -> float:
    """CPU milliseconds of one request over bare streams."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with room:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            await reader.read()
            writer.close()
            await writer.wait_closed()

    began = time.process_time()
    await asyncio.gather(*(one() for _ in range(count)))
    return 1000 * (time.process_time() - began) / count


# ------------------------------------------------------------------ the server


@contextmanager
def serving() -> Iterator[int]:
    """A process that answers on loopback; its port."""
    words = [sys.executable, "-m", "bench.probes"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


class Answering(asyncio.Protocol):
    """One answer, then the end."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, _data: bytes) -> None:
        """It asked."""
        self.transport.write(ANSWER)
        self.transport.close()


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
