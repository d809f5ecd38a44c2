"""Hutches over one store, each behind a link that can be cut, slowed or frozen, with people and alerts who use them.

What was acknowledged is written down as it comes; :mod:`tallies` compares it with the log afterwards.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from trouble_book import RUNBOOK

HUTCH = str(Path(sys.executable).with_name("hutch"))
OLIVIA = {"actor": "olivia"}

SCRIPT = "#!/bin/sh\necho begun >> applied\necho 42 > state\nsleep 0.4\n"


class Link:
    """A TCP proxy before a server: ``open``, ``cut`` (connections end, new ones too), ``frozen`` (nothing passes), or
    slow by ``delay`` seconds for each piece."""

    def __init__(self, to: int) -> None:
        self.to, self.state, self.delay = to, "open", 0.0
        self._pairs: set[asyncio.StreamWriter] = set()
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._visits: set[asyncio.Task[None]] = set()

    async def start(self, host: str = "127.0.0.1") -> int:
        """Its port."""
        self._server = await asyncio.start_server(self._visit, host, 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def stop(self) -> None:
        self.set("cut")
        self._server.close()
        for visit in self._visits:
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)

    def set(self, state: str, delay: float = 0.0) -> None:
        self.state, self.delay = state, delay
        if state == "frozen":
            self._thawed.clear()
        else:
            self._thawed.set()
        if state == "cut":
            for writer in self._pairs:
                writer.transport.abort()

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._visits.add(task)
        task.add_done_callback(self._visits.discard)
        self._pairs.add(writer)
        try:
            if self.state != "cut":
                there, back = await asyncio.open_connection("127.0.0.1", self.to)
                self._pairs.add(back)
                await asyncio.gather(self._copy(reader, back), self._copy(there, writer))
                self._pairs.discard(back)
        except OSError:
            pass
        finally:
            self._pairs.discard(writer)
            writer.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(65536):
                if self.delay:
                    await asyncio.sleep(self.delay)
                await self._thawed.wait()
                writer.write(piece)
                await writer.drain()
        writer.close()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Member:
    """One Hutch: ``serve`` on a port of its own, or ``worker``. ``link``: its way to the store, where that is a server.

    ``ahead``: a file that says how many seconds its clock is ahead of the machine's.
    """

    name: str
    home: Path
    role: str
    url: str = ""
    link: Link | None = None
    port: int = 0
    process: asyncio.subprocess.Process | None = None
    paused: bool = False
    begun: int = 0
    """Where its log stood when it was started last."""

    @property
    def ahead(self) -> Path:
        return self.home / f"{self.name}.ahead"

    @property
    def log(self) -> Path:
        return self.home / f"{self.name}.log"

    async def start(self) -> None:
        """Begin it; whether it is ready is seen when it answers."""
        words = [self.role, "--port", str(self.port)] if self.role == "serve" else [self.role]
        env = {**os.environ, "HUTCH_DATABASE_URL": self.url, "AHEAD": str(self.ahead)}
        with self.log.open("ab") as log:
            self.begun = log.tell()
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, str(Path(__file__).with_name("ahead.py")), "--config", str(self.home / "hutch.yaml"),
                *words, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    @property
    def gave_up(self) -> bool:
        """Whether it ended because its store was away for all the time in which it wanted to begin."""
        if self.process is None or self.process.returncode in (None, 0):
            return False
        said = self.log.read_bytes()[self.begun :].decode()
        return "can't be reached" in said and "Hutch takes" not in said and "Hutch serves" not in said

    def signal(self, number: signal.Signals) -> None:
        if self.process and self.process.returncode is None:
            self.process.send_signal(number)
            self.paused = number is signal.SIGSTOP or (self.paused and number is not signal.SIGCONT)

    async def kill(self) -> None:
        if self.process:
            self.signal(signal.SIGKILL)
            await self.process.wait()


@dataclass
class Told:
    """What was acknowledged."""

    alerts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    declared: list[str] = field(default_factory=list)
    approved: list[str] = field(default_factory=list)
    refused: int = 0
    full: int = 0  # of those, how often it was said that the disk is full

    def counts(self) -> dict[str, int]:
        found = {name: len(getattr(self, name)) for name in ("alerts", "notes", "declared", "approved")}
        return {**found, "refused": self.refused, "disk full": self.full}


class Fleet:
    """The Hutches, and the load upon them."""

    def __init__(self, folder: Path, services: int, chance: random.Random) -> None:
        self.folder, self.chance, self.told = folder, chance, Told()
        self.services = [f"s{number}" for number in range(services)]
        self.members: list[Member] = []
        self.stop = asyncio.Event()

    def machine(self, name: str) -> Path:
        """A folder with the configuration that all of them have; each service has a folder with its change."""
        home = self.folder / name
        home.mkdir()
        (home / "trouble.md").write_text(RUNBOOK)
        found = {}
        for service in self.services:
            place = self.folder / "services" / service
            if not place.exists():
                place.mkdir(parents=True)
                (place / "state").write_text("43\n")
                (place / "rollback").write_text(SCRIPT)
                (place / "rollback").chmod(0o755)
            binds = {"rollback": "as-is", "cat": "as-is"}
            found[service] = {"shell": {"directory": str(place)}, "binds": binds, "runbook": "trouble"}
        found["noise"] = {"shell": {}}  # what alerts are of: no runbook, so no change
        config = {
            "mode": "act", "guards": {"per_hour": 1000}, "runbooks": ["."], "diagnose_every": "0s", "services": found,
            "severity": {"SEV-2": {"response": "6s", "update": "9s"}},
        }  # fmt: skip
        (home / "hutch.yaml").write_text(json.dumps(config))
        return home

    async def add(self, role: str, url: str = "", home: Path | None = None) -> Member:
        """One more; on Postgres with a machine and a link of its own."""
        name = f"{role}{len(self.members)}"
        member = Member(name, home or self.machine(name), role, url)
        if url:
            member.link = Link(urlsplit(url).port or 0)
            port = await member.link.start()
            member.url = url.replace(f":{member.link.to}/", f":{port}/")
        if role == "serve":
            member.port = free_port()
        self.members.append(member)
        await member.start()
        return member

    async def end(self) -> None:
        """SIGTERM to all of them; who does not go is killed, and named."""
        for member in self.members:
            member.signal(signal.SIGCONT)
            if member.link:
                member.link.set("open")
            member.signal(signal.SIGTERM)
        try:
            await asyncio.gather(*(self._gone(member) for member in self.members))
        finally:
            for member in self.members:
                await member.kill()
                if member.link:
                    await member.link.stop()

    async def _gone(self, member: Member) -> None:
        if member.process:
            await asyncio.wait_for(member.process.wait(), 60)

    # -------------------------------------------------------------- people and alerts

    async def ask(self, path: str, body: dict[str, Any] | None = None, patience: float = 30) -> tuple[int, Any]:
        """Status and answer of one of the servers, as a balancer chooses it; status 0 where none was given."""
        server = self.chance.choice([m for m in self.members if m.role == "serve"])
        timeout = aiohttp.ClientTimeout(patience)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as client,
                client.request("POST" if body else "GET", f"http://127.0.0.1:{server.port}{path}", json=body) as answer,
            ):
                self.told.full += answer.status == 507
                return answer.status, await answer.json()
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return 0, None

    async def ready(self) -> None:
        """Every server answers from the store."""
        for member in (m for m in self.members if m.role == "serve"):
            for _ in range(600):
                with suppress(aiohttp.ClientError, OSError, TimeoutError):
                    async with (
                        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as client,
                        client.get(f"http://127.0.0.1:{member.port}/api/v1/incidents") as answer,
                    ):
                        if answer.status == 200:
                            break
                assert member.alive, member.log.read_text()
                await asyncio.sleep(0.1)
            else:
                raise AssertionError(f"{member.name} never answered: {member.log.read_text()}")

    async def load(self) -> None:
        """Alerts, notes, incidents and approvals, until ``stop``."""
        await asyncio.gather(self._alerts(0), self._alerts(1), self._notes(0), self._notes(1), self._declare(),
                             self._approve())  # fmt: skip

    async def _alerts(self, sender: int) -> None:
        number = 0
        while not self.stop.is_set():
            number += 1
            name = f"{sender}-{number}"
            alert = {
                "status": "firing", "labels": {"alertname": "Slow", "service": "noise", "n": name},
                "annotations": {"summary": "s"}, "startsAt": "2026-01-15T10:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
            }  # fmt: skip
            body = {"version": "4", "status": "firing", "alerts": [alert]}
            status, _ = await self.ask("/api/v1/ingest/alertmanager", body)
            if status == 202:
                self.told.alerts.append(name)
            else:
                self.told.refused += 1
            await asyncio.sleep(0.1)

    async def _notes(self, writer: int) -> None:
        number = 0
        while not self.stop.is_set():
            if self.told.declared:
                number += 1
                text = f"note {writer}-{number}"
                incident = self.chance.choice(self.told.declared)
                status, _ = await self.ask(f"/api/v1/incidents/{incident}/notes", {"text": text, **OLIVIA})
                if status == 200:
                    self.told.notes.append(text)
                else:
                    self.told.refused += 1
            await asyncio.sleep(0.1)

    async def _declare(self) -> None:
        for service in self.services:
            if self.stop.is_set():
                return
            body = {"title": f"trouble of {service}", "severity": "SEV-2", "service": service, **OLIVIA}
            status, found = await self.ask("/api/v1/incidents", body)
            if status == 201:
                self.told.declared.append(found["id"])
            else:
                self.told.refused += 1
            await asyncio.sleep(0.4)

    async def _approve(self) -> None:
        """Each run once: nobody approves the same change again."""
        tried: set[str] = set()
        while not self.stop.is_set():
            _, found = await self.ask("/api/v1/runs")
            for row in found if isinstance(found, list) else []:
                if row["state"] == "waiting for approval" and row["id"] not in tried:
                    await self._press(row["id"], tried)
            await asyncio.sleep(0.3)

    async def _press(self, run_id: str, tried: set[str]) -> None:
        _, run = await self.ask(f"/api/v1/runs/{run_id}")
        for offered in (run or {}).get("options", [])[:1]:
            tried.add(run_id)
            body = {"option": offered["id"], "digest": offered["digest"], **OLIVIA}
            status, _ = await self.ask(f"/api/v1/runs/{run_id}/approval", body)
            if status == 200:
                self.told.approved.append(run_id)
            else:
                self.told.refused += 1
