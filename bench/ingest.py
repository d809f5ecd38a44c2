"""Alerts from outside: over HTTP into the store, over bare commits; Alertmanager beside it; many open ones."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import psycopg
import yaml

from bench.measure import Figure, Goal, Line, Ratio, Spread, line, parts, per_round, percentile, spread
from bench.room import Bare, scratch
from bench.server import serving
from hutch.bootstrap.wire import open_context
from hutch.commands.alerts import BATCH, receive
from hutch.commands.context import Context
from hutch.model.alert import Alert
from rolerabbit.embedded.postgres import Postgres

SENDERS = 32
"""Requests under way at once."""

GROUPS = (1, 16, 64)
"""Alerts in one request: one by itself, as a group of Alertmanager's often is, and in a storm."""

START = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)

HOW = (
    "Durable ingest: `hutch serve` as a process of its own takes Alertmanager's webhook over HTTP from 32 senders, "
    "each alert new; the time for one alert over the time for one bare commit of one row into a file beside it "
    "(synchronous=FULL). Below 1 it is faster than a commit for each. The 99th percentile of an answer is said, and "
    "the processor time of the server for one alert, which does not depend on how fast the disk happens to be. The "
    "same alerts go to Alertmanager's own POST /api/v2/alerts (in memory) where it is installed. Many open: the time "
    "to take in one alert while 100,000 others are open, over the same while 1,000 are."
)


def measure(quick: bool) -> Figure:
    """Rounds of HTTP for groups of one, sixteen and sixty-four alerts, then the cost with many open."""
    rounds, requests = (1, 32) if quick else (7, 640)
    with scratch() as folder:
        here = {n: _http(folder / f"here-{n}", rounds, requests // (n // 4 or 1), n) for n in GROUPS}
        with Postgres.temporary(durable=True) as postgres:
            shared = {n: _http(folder / f"on-{n}", rounds, requests // (n // 4), n, postgres.url) for n in GROUPS[1:]}
        sizes = (50, 500) if quick else (1_000, 10_000, 100_000)
        many, grown = asyncio.run(_open(folder / "open", sizes, 2 if quick else 9))
    names = ("alert (s)", "bare commit (s)", "server CPU an alert (s)", "answer p99 (s)")
    ratios = [_over(f"durable ingest, {count} a request", found, names) for count, found in here.items()]
    ratios += [_over(f"durable ingest on Postgres, {n} a request", found, names) for n, found in shared.items()]
    beside = per_round(here[16], lambda r: r["alert (s)"] / r["alertmanager (s)"]) if _manager() else None
    if beside:
        ratios.append(Ratio("durable ingest, 16 a request", "Alertmanager's own, in memory", beside, None, {}))
    ratios.append(
        Ratio("one more with many open", "with 1 % of them open", many, Goal(1.5), {}),
    )
    facts = {"Alertmanager": "yes" if beside else "not here"}
    return Figure("ingest", "Alerts from outside", HOW, tuple(ratios), facts, (grown,))


def _over(name: str, rounds: Sequence[dict[str, float]], names: Sequence[str]) -> Ratio:
    value = per_round(rounds, lambda r: r["alert (s)"] / r["bare commit (s)"])
    return Ratio(name, "a bare commit", value, Goal(1), parts(rounds, *names))


# ------------------------------------------------------------------ over HTTP


def _http(folder: Path, rounds: int, requests: int, group: int, url: str = "") -> list[dict[str, float]]:
    folder.mkdir()
    port = free_port()
    config = {"mode": "observe", "diagnose_every": "0s", "services": {"shop": {}}}
    (folder / "hutch.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    found = []
    env = {"HUTCH_DATABASE_URL": url} if url else {}
    with serving(folder / "hutch.yaml", port, env) as server, _alertmanager(folder) as manager:
        bare = BarePostgres(url) if url else Bare(folder / "bare.db", folder)
        for number in range(rounds):
            bodies = [_group(f"{number}-{i}", group) for i in range(requests)]
            before = server.cpu()
            took, answers = asyncio.run(_post(f"http://127.0.0.1:{port}/api/v1/ingest/alertmanager", bodies, 202))
            spent = (server.cpu() - before) / requests / group
            commits = sum(bare.commit() for _ in range(200)) / 200
            one = {"alert (s)": took / requests / group, "bare commit (s)": commits, "answer p99 (s)": answers}
            one["server CPU an alert (s)"] = spent
            if manager:
                plain = [body["alerts"] for body in bodies]
                there, _ = asyncio.run(_post(f"http://127.0.0.1:{manager}/api/v2/alerts", plain, 200))
                one["alertmanager (s)"] = there / requests / group
            found.append(one)
        bare.close()
    return found


class BarePostgres:
    """The floor on Postgres: one row, one commit."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("CREATE TABLE IF NOT EXISTS bench_floor (id serial PRIMARY KEY, data text)")

    def commit(self, row: str = "x" * 500) -> float:
        """Seconds of one INSERT, durable when it returns."""
        began = time.perf_counter()
        self._connection.execute("INSERT INTO bench_floor (data) VALUES (%s)", (row,))
        return time.perf_counter() - began

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


def _group(name: str, count: int) -> dict[str, object]:
    rows = [
        {
            "status": "firing",
            "labels": {"alertname": "Slow", "service": "shop", "severity": "warning", "n": f"{name}-{i}"},
            "annotations": {"summary": "It is slow"},
            "startsAt": datetime.now(UTC).isoformat(),
        }
        for i in range(count)
    ]
    return {"version": "4", "status": "firing", "alerts": rows}


async def _post(url: str, bodies: Sequence[object], wanted: int) -> tuple[float, float]:
    """Seconds for all, and the 99th percentile of one answer. A 429 is sent again, as its senders do."""
    waiting, took = [json.dumps(b).encode() for b in bodies], []
    headers = {"Content-Type": "application/json"}

    async def sender(client: aiohttp.ClientSession) -> None:
        while waiting:
            body = waiting.pop()
            began = time.perf_counter()
            async with client.post(url, data=body, headers=headers) as answer:
                if answer.status == 429:
                    waiting.append(body)
                    await asyncio.sleep(0.1)
                elif answer.status != wanted:
                    raise RuntimeError(f"{url} answered {answer.status}: {await answer.text()}")
                await answer.read()  # as its senders do: an answer that is left unread costs the next one a connection
            took.append(time.perf_counter() - began)

    began = time.perf_counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=SENDERS)) as client:
        await asyncio.gather(*(sender(client) for _ in range(SENDERS)))
    return time.perf_counter() - began, percentile(took, 99)


def _manager() -> str:
    return shutil.which("prometheus-alertmanager") or ""


@contextmanager
def _alertmanager(folder: Path) -> Iterator[int]:
    """Its port while the block lasts; 0 where it is not installed."""
    if not _manager():
        yield 0
        return
    port = free_port()
    (folder / "am.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n", encoding="utf-8")
    words = [
        _manager(), "--config.file=am.yml", "--storage.path=am", f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]  # fmt: skip
    null = subprocess.DEVNULL
    process = subprocess.Popen(words, cwd=folder, stdin=null, stdout=null, stderr=null)
    try:
        _wait(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _wait(port: int) -> None:
    for _ in range(200):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("Alertmanager did not start")


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


# ------------------------------------------------------------------ many open


async def _open(folder: Path, counts: Sequence[int], rounds: int) -> tuple[Spread, Line]:
    """The ratio of the greatest number of open alerts to the smallest, in rounds that take turns, and the line."""
    contexts = []
    for count in counts:
        place = folder / str(count)
        place.mkdir(parents=True)
        (place / "hutch.yaml").write_text("services: {shop: {}}\n", encoding="utf-8")
        context = open_context(place / "hutch.yaml")
        for start in range(0, count, BATCH):
            await receive(context, [_alert(i) for i in range(start, min(start + BATCH, count))])
        contexts.append(context)
    found = []
    for number in range(rounds):
        order = range(len(counts)) if number % 2 == 0 else range(len(counts) - 1, -1, -1)
        took = {counts[at]: await _batches(contexts[at], number) / (10 * BATCH) for at in order}
        found.append(took)
    for context in contexts:
        await context.close()
    grown = line("one more alert", "alerts open", "s", {count: [r[count] for r in found] for count in counts})
    return spread([r[counts[-1]] / r[counts[0]] for r in found]), grown


def _alert(number: int) -> Alert:
    labels = {"n": str(number)}
    return Alert("Slow", "shop", None, START + timedelta(seconds=number), "It is slow", labels=labels, source="bench")


async def _batches(context: Context, number: int) -> float:
    """Seconds for ten batches of alerts that are new."""
    began = time.perf_counter()
    for batch in range(10):
        base = 10_000_000 + (number * 10 + batch) * BATCH
        await receive(context, [replace(_alert(base + i), source="late") for i in range(BATCH)])
    return time.perf_counter() - began
