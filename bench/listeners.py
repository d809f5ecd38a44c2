"""What 200 open pages cost the server, over server-sent events of the same framework and nothing else."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import aiohttp

from bench.ingest import free_port
from bench.measure import Figure, Goal, Ratio, parts, per_round, percentile
from bench.pages import SERVICES, room
from bench.room import scratch
from bench.server import Server, serving

APART = 0.1
"""Seconds between two things that happen."""

HOW = (
    "`hutch serve` and a bare server (FastAPI, uvicorn, a queue a listener) as processes of their own, in turn: {many} "
    "clients listen to each, and {notes} times in a row something happens: a note in Hutch's log, a request at the "
    "other. CPU a page is that of the process over this time, without what the same costs it with nobody listening, "
    "by listener and event. Memory a page is what the process has more with all listening than before. Latency is "
    "from the answer that a note is durable to the last listener's frame. Pages ask for what changed; that is not in "
    "here."
)


@dataclass
class Room:
    """A server that can be listened to: where, and what makes something happen there."""

    server: Server
    events: str
    happens: str
    body: dict[str, str] = field(default_factory=dict)


@dataclass
class Listener:
    """A client that counts the changes that it was told."""

    changes: int = 0
    last: float = 0.0

    async def listen(self, client: aiohttp.ClientSession, address: str, ready: asyncio.Event) -> None:
        """Until cancelled."""
        async with client.get(address) as answer:
            async for line in answer.content:
                if line.startswith(b"event: hello"):
                    ready.set()
                elif line.startswith(b"event: change"):
                    self.changes, self.last = self.changes + 1, time.monotonic()


def measure(quick: bool) -> Figure:
    """Both in turn."""
    many, notes, rounds = (20, 5, 2) if quick else (200, 30, 5)
    with scratch() as folder:
        port, other = free_port(), free_port()
        with serving(room(folder / "hutch"), port) as server, _bare(other) as bare:
            found, late = asyncio.run(_rounds(port, other, server, bare, many, notes, rounds))
    ratios = (
        Ratio("CPU a page", "a bare listener", per_round(found, lambda r: r["hutch (CPU µs)"] / r["bare (CPU µs)"]),
              Goal(2), parts(found, "hutch (CPU µs)", "bare (CPU µs)")),
        Ratio("memory a page", "a bare listener", per_round(found[:1], lambda r: r["hutch (kB)"] / r["bare (kB)"]),
              Goal(2), parts(found[:1], "hutch (kB)", "bare (kB)")),
    )  # fmt: skip
    facts = {
        "pages open": many,
        "durable to the last page, p95 (ms)": round(percentile(late, 95) * 1000),
        "durable to the last page, median (ms)": round(percentile(late, 50) * 1000),
    }
    return Figure("listeners", "Open pages", HOW.format(many=many, notes=notes), ratios, facts)


@contextmanager
def _bare(port: int) -> Iterator[Server]:
    process = subprocess.Popen([sys.executable, "-m", "bench.bare_live", str(port)], stdin=subprocess.DEVNULL)
    try:
        yield Server(process.pid)
    finally:
        process.terminate()
        process.wait(15)


async def _rounds(
    port: int, other: int, server: Server, bare: Server, many: int, notes: int, rounds: int
) -> tuple[list[dict[str, float]], list[float]]:
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=20)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as client:
        hutch = await _hutch(client, port, server)
        plain = Room(bare, f"http://127.0.0.1:{other}/events", f"http://127.0.0.1:{other}/told")
        await _up(client, plain.happens)
        found, late = [], list[float]()
        for number in range(rounds):
            row: dict[str, float] = {}
            for name, one in (("hutch", hutch), ("bare", plain))[:: 1 if number % 2 else -1]:
                cpu, memory, times = await _measured(client, one, many, notes)
                row |= {f"{name} (CPU µs)": cpu * 1e6, f"{name} (kB)": max(memory, 0.1)}
                late += times if name == "hutch" else []
            found.append(row)
    return found, late


async def _hutch(client: aiohttp.ClientSession, port: int, server: Server) -> Room:
    api = f"http://127.0.0.1:{port}/api/v1/incidents"
    body = {"title": "It is slow", "severity": "SEV-2", "service": SERVICES[0], "actor": "bench"}
    async with client.post(api, json=body) as answer:
        answer.raise_for_status()
        made = (await answer.json())["id"]
    return Room(server, f"http://127.0.0.1:{port}/events", f"{api}/{made}/notes", {"text": "looked", "actor": "bench"})


async def _up(client: aiohttp.ClientSession, address: str) -> None:
    for _ in range(200):
        try:
            async with client.post(address):
                return
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(0.1)
    raise RuntimeError("the bare server did not start")


async def _measured(
    client: aiohttp.ClientSession, one: Room, many: int, notes: int
) -> tuple[float, float, list[float]]:  # fmt: skip
    """CPU seconds and kB of a listener, and how long each event took to the last of them."""
    alone = await _cpu(client, one, [], notes)
    before = one.server.memory()
    async with _listening(client, one.events, many) as listeners:
        memory = (one.server.memory() - before) * 1024 / many
        late: list[float] = []
        busy = await _cpu(client, one, listeners, notes, late)
    return max(busy - alone, 1e-9) / many / notes, memory, late


async def _cpu(
    client: aiohttp.ClientSession, one: Room, listeners: list[Listener], notes: int, late: list[float] | None = None
) -> float:
    began = one.server.cpu()
    for _ in range(notes):
        before = [listener.changes for listener in listeners]
        async with client.post(one.happens, json=one.body) as answer:
            answer.raise_for_status()
        durable = time.monotonic()
        for _ in range(200):
            if all(listener.changes > had for listener, had in zip(listeners, before, strict=True)):
                break
            await asyncio.sleep(0.01)
        else:
            raise RuntimeError("a listener was not told")
        if late is not None and listeners:
            late.append(max(0.0, max(listener.last for listener in listeners) - durable))
        await asyncio.sleep(APART)
    return one.server.cpu() - began


@asynccontextmanager
async def _listening(client: aiohttp.ClientSession, address: str, many: int) -> AsyncIterator[list[Listener]]:
    listeners, ready = [Listener() for _ in range(many)], [asyncio.Event() for _ in range(many)]
    pairs = zip(listeners, ready, strict=True)
    tasks = [asyncio.create_task(one.listen(client, address, event)) for one, event in pairs]
    try:
        await asyncio.wait_for(asyncio.gather(*(event.wait() for event in ready)), 60)
        yield listeners
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(1)
