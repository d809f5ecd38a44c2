"""What a page costs by how much there is: lists of 100,000 incidents, and an incident of 10,000 events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import yaml

from bench import first_visit
from bench.ingest import free_port
from bench.measure import Figure, Goal, Ratio, line, parts, per_round
from bench.room import scratch
from bench.server import Server, serving
from hutch.bootstrap.wire import open_context
from hutch.commands import incidents
from hutch.commands.context import Context
from hutch.model import incident as model
from hutch.model.event import Draft, instant
from hutch.model.severity import Severity
from hutch.ports import Append

SERVICES = tuple(f"service-{number}" for number in range(10))

BATCH = 256
"""Incidents in one commit while a store is filled."""

LISTS = (
    "/incidents?state=open&service=service-3",
    "/incidents?state=resolved&severity=SEV-2",
    "/incidents?state=resolved&service=service-3&severity=SEV-4",
    "/api/v1/incidents?state=open&severity=SEV-1&limit=50",
)
"""What is asked for: each way in which a list is narrowed."""

START = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)

HOW = (
    "`hutch serve` as a process of its own, asked over HTTP, in turn for the smaller and the greater. Lists: {filters} "
    "narrowed lists (page and API) with {few:,} and with {many:,} incidents in the store, nine of ten resolved; the "
    "first list after all were written at once has to follow the log, and is said apart. First screen: the page of an "
    "incident of {short:,} events and of one of {long:,} (a storm counted, notes, updates, promises); `first` is the "
    "first time that the server is asked for it, the others are later ones. First visit: the page of an incident of "
    "{short:,} events in Chromium with nothing kept from before, over a relay that counts requests (the feed too) "
    "and the bytes of the answers with their headers, until a second after the page is live. Durable to screen: "
    "from the API's answer to a note to the second frame after its row stands in the open page."
)


def measure(quick: bool) -> Figure:
    """Lists, then pages, on SQLite."""
    counts, rounds = ((50, 500), 2) if quick else ((1_000, 10_000, 100_000), 15)
    lengths = (20, 200) if quick else (100, 1_000, 10_000)
    few, many, short, long = counts[0], counts[-1], lengths[0], lengths[-1]
    with scratch() as folder:
        rows, facts = asyncio.run(_lists(folder, counts, rounds))
        screens, first = asyncio.run(_screens(folder / "screens", lengths, rounds))
        visits, seen = asyncio.run(_visits(folder / "visits", short, 2 if quick else 15, 3 if quick else 50))
    how = HOW.format(filters=len(LISTS), few=few, many=many, short=short, long=long)
    listed = per_round(rows, lambda r: r[_list(many)] / r[_list(few)])
    shown = per_round(screens, lambda r: r[_screen(long)] / r[_screen(short)])
    once = per_round([first], lambda r: r[_screen(long)] / r[_screen(short)])
    ratios = (
        Ratio(f"a list of {many:,} incidents", f"of {few:,}", listed, Goal(2), parts(rows, *rows[0])),
        Ratio(f"first screen of {long:,} events", f"of {short:,}", shown, Goal(3), parts(screens, *screens[0])),
        Ratio("the same, for the first time", f"of {short:,}", once, Goal(3), {}),
        *visits,
    )
    lines = (
        line("a list", "incidents or events", "s", {n: [r[_list(n)] for r in rows] for n in counts}),
        line("a page", "incidents or events", "s", {n: [r[_screen(n)] for r in screens] for n in lengths}),
    )
    return Figure("pages", "Lists and pages", how, ratios, {**facts, **seen}, lines)


def _list(count: int) -> str:
    return f"list of {count:,} (s)"


def _screen(events: int) -> str:
    return f"screen of {events:,} events (s)"


# ------------------------------------------------------------------ lists


async def _lists(folder: Path, counts: Sequence[int], rounds: int) -> tuple[list[dict[str, float]], dict[str, float]]:
    ports = {count: free_port() for count in counts}
    with ExitStack() as stack:
        servers = []
        for count, port in ports.items():
            path = room(folder / str(count))
            await _fill(path, count)
            servers.append(stack.enter_context(serving(path, port)))
        async with aiohttp.ClientSession() as client:
            built = {count: await _get(client, port, LISTS[0]) for count, port in ports.items()}
            for server in servers:
                await _settled(server)
            found = []
            for number in range(rounds):
                order = list(ports) if number % 2 else list(ports)[::-1]
                took = {count: await _each(client, ports[count]) for count in order}
                found.append({_list(count): took[count] for count in counts})
    return found, {f"the first list of {count:,} (s)": round(took, 3) for count, took in built.items()}


async def _each(client: aiohttp.ClientSession, port: int) -> float:
    """Mean seconds of a list."""
    return sum([await _get(client, port, path) for path in LISTS]) / len(LISTS)


async def _fill(path: Path, count: int) -> None:
    context = open_context(path)
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        await context.store.commit([_incident(context, number) for number in numbers])
    await context.close()


def _incident(context: Context, number: int) -> Append:
    service, severity = SERVICES[number % len(SERVICES)], Severity(1 + number // 7 % 4)
    data = {"title": f"Number {number}", "service": service, "runbook": "", "summary": "", "source": "person"}
    drafts = incidents.declaration(context, data, severity, START + timedelta(minutes=number))
    ended = (Draft("incident.resolved", {"resolution": "It is well again", "by": "ann"}, "ann"),) if number % 10 else ()
    return Append(model.stream_of(f"INC-2026-{number:06d}"), (*drafts, *ended), expect=0)


# ------------------------------------------------------------------ an incident's page


async def _screens(
    folder: Path, lengths: Sequence[int], rounds: int
) -> tuple[list[dict[str, float]], dict[str, float]]:
    path, other = room(folder), "INC-2026-999"
    names = {length: f"INC-2026-{number:03d}" for number, length in enumerate(lengths, 1)}
    context = open_context(path)
    for count, name in {**names, 10: other}.items():
        data = {"title": "It is slow", "service": SERVICES[0], "runbook": "", "summary": "", "source": "person"}
        first = incidents.declaration(context, data, Severity.SEV1, context.clock.now())
        drafts = (*first, *_story(count - len(first)))
        await context.store.commit([Append(model.stream_of(name), drafts, expect=0)])
    await context.close()
    port = free_port()
    with serving(path, port) as server:
        async with aiohttp.ClientSession() as client:
            await _get(client, port, "/")
            await _get(client, port, f"/incidents/{other}")  # what a first page costs, whichever it is
            await _settled(server)
            found = [await _every(client, port, names) for _ in range(rounds + 1)]
    return found[1:], found[0]


async def _visits(folder: Path, events: int, rounds: int, notes: int) -> first_visit.Found:
    path, name = room(folder), "INC-2026-001"
    context = open_context(path)
    data = {"title": "It is slow", "service": SERVICES[0], "runbook": "", "summary": "", "source": "person"}
    first = incidents.declaration(context, data, Severity.SEV1, context.clock.now())
    drafts = (*first, *_story(events - len(first)))
    await context.store.commit([Append(model.stream_of(name), drafts, expect=0)])
    await context.close()
    port = free_port()
    with serving(path, port) as server:
        async with aiohttp.ClientSession() as client:
            await _get(client, port, "/")
        await _settled(server)
        return await first_visit.measured(port, f"/incidents/{name}", rounds, notes)


async def _every(client: aiohttp.ClientSession, port: int, names: Mapping[int, str]) -> dict[str, float]:
    return {_screen(events): await _get(client, port, f"/incidents/{name}") for events, name in names.items()}


def _story(count: int) -> Iterator[Draft]:
    """What a long incident is full of."""
    for number in range(count):
        due = instant(START + timedelta(minutes=30 * number))
        kinds: Sequence[tuple[str, Mapping[str, object], str]] = (
            ("alerts.counted", {"joined": 64, "ended": 60, "total": 64 * number, "rules": {"Slow": 64}}, "hutch"),
            ("note.added", {"text": f"Looked at node {number}: nothing unusual in its log so far"}, "ann"),
            ("alerts.counted", {"joined": 12, "ended": 16, "total": 64 * number, "rules": {"Slow": 12}}, "hutch"),
            ("update.posted", {"text": "We are still looking", "audience": "stakeholders"}, "bea"),
            (
                "clock.started",
                {"clock": "update", "number": number, "start": due, "due": due, "why": "updates"},
                "hutch",
            ),
            ("note.added", {"text": f"Restarted node {number} at {due}"}, "cyd"),
        )
        kind, data, actor = kinds[number % len(kinds)]
        yield Draft(kind, data, actor)


# ------------------------------------------------------------------ asking


def room(folder: Path) -> Path:
    """A configuration of some services in a new folder."""
    folder.mkdir(parents=True)
    config = {"mode": "observe", "diagnose_every": "0s", "services": {name: {} for name in SERVICES}}
    path = folder / "hutch.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


async def _get(client: aiohttp.ClientSession, port: int, path: str) -> float:
    """Seconds until the whole answer is here."""
    began = time.perf_counter()
    async with client.get(f"http://127.0.0.1:{port}{path}") as answer:
        text = await answer.text()
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}: {text[:200]}")
    return time.perf_counter() - began


async def _settled(server: Server) -> None:
    """Wait until it computes hardly anything by itself, for a minute at most."""
    for _ in range(60):
        before = server.cpu()
        await asyncio.sleep(1)
        if server.cpu() - before < 0.1:
            return
