"""Two servers split by the network itself: packets vanish, nobody is told. Where root may make network namespaces."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hutch.bootstrap.wire import open_context
from hutch.store.postgres.verify import verify_database
from storm import Link, free_port
from two_places import HUTCH, House, role, until_async

ADDRESS, INSIDE = "169.254.201.1", "169.254.201.2"
NAME = f"hutch-{os.getpid()}"
ASK = "import sys, urllib.request as r; print(r.urlopen(r.Request(*sys.argv[1:2], data=sys.argv[2].encode() or None,"
ASK += " headers={'Content-Type': 'application/json'}), timeout=60).read().decode())"


def ip(*words: str) -> bool:
    return subprocess.run(["ip", *words], capture_output=True, timeout=20, check=False).returncode == 0


@contextmanager
def island() -> Iterator[None]:
    """A network namespace with one cable to this machine; only its two ends have their addresses."""
    outer, inner = f"ho{os.getpid()}", f"hi{os.getpid()}"
    try:
        assert ip("netns", "add", NAME) and ip("link", "add", outer, "type", "veth", "peer", "name", inner)
        assert ip("link", "set", inner, "netns", NAME) and ip("addr", "add", f"{ADDRESS}/30", "dev", outer)
        assert ip("-n", NAME, "addr", "add", f"{INSIDE}/30", "dev", inner) and ip("link", "set", outer, "up")
        assert ip("-n", NAME, "link", "set", inner, "up") and ip("-n", NAME, "link", "set", "lo", "up")
        yield
    finally:
        ip("link", "del", outer)
        ip("netns", "del", NAME)


def cable(state: str) -> None:
    """Its far end: whoever is inside sees that the cable is gone only by the silence."""
    assert ip("link", "set", f"ho{os.getpid()}", state)


async def inside(url: str, body: dict[str, Any] | None = None) -> Any:
    """What the server in the namespace answers; nothing where it does not, or refuses."""
    words = ["ip", "netns", "exec", NAME, sys.executable, "-c", ASK, url, json.dumps(body) if body else ""]
    process = await asyncio.create_subprocess_exec(
        *words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    )
    out, _ = await asyncio.wait_for(process.communicate(), 90)
    return json.loads(out) if process.returncode == 0 else None


@pytest.fixture
async def house(tmp_path: Path, database_url: str) -> AsyncIterator[House]:
    found = House(tmp_path, database_url)
    yield found
    await found.end()


@pytest.mark.slow
@pytest.mark.timeout(500)
async def test_of_two_servers_that_are_split_one_watches_and_nothing_acknowledged_is_lost(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() or not ip("netns", "add", f"{NAME}-try"):
        return  # the same through a proxy that passes nothing: test_resilience
    ip("netns", "del", f"{NAME}-try")
    config, link = "services: {shop: {}}\n", Link(urlsplit(house.url).port or 0)
    with island():
        port = await link.start(ADDRESS)
        far, near = house.machine("far", config), house.machine("near", config)
        ports = {far: free_port(), near: free_port()}
        there = f"http://127.0.0.1:{ports[far]}"
        url = house.url.replace(f"127.0.0.1:{link.to}/", f"{ADDRESS}:{port}/")
        words = ["--config", str(far / "hutch.yaml"), "serve", "--port", str(ports[far])]
        with (far / "log").open("wb") as log:
            server = await asyncio.create_subprocess_exec(
                "ip", "netns", "exec", NAME, HUTCH, *words, stdin=subprocess.DEVNULL, stderr=log,
                env={**os.environ, "HUTCH_DATABASE_URL": url},
            )  # fmt: skip
        house.processes.append(server)

        async def far_role() -> str:
            return str((await inside(f"{there}/healthz") or {}).get("role", ""))

        await until_async(lambda: is_(far_role, "watching"), 120)
        await house.start(near, "serve", "--port", str(ports[near]))
        await until_async(lambda: is_(lambda: role(ports[near]), "standing by"), 120)
        opened = await inside(f"{there}/api/v1/incidents", {"title": "split", "severity": "SEV-2", "actor": "olivia"})
        notes = f"{there}/api/v1/incidents/{opened['id']}/notes"
        assert await inside(notes, {"text": "before", "actor": "olivia"})

        cable("down")
        said = await inside(notes, {"text": "during", "actor": "olivia"})
        assert said is None, "what cannot be written is not acknowledged"
        await until_async(lambda: is_(lambda: role(ports[near]), "watching"), 60)
        cable("up")
        await until_async(lambda: is_(far_role, "standing by"), 120)
        assert await role(ports[near]) == "watching"
        assert await until_async(lambda: inside(notes, {"text": "after", "actor": "olivia"}), 120)
        await house.end()
        await link.stop()

    monkeypatch.setenv("HUTCH_DATABASE_URL", house.url)
    context = open_context(near / "hutch.yaml")
    told = [e.data["text"] for e in await context.store.read(f"incident:{opened['id']}") if e.kind == "note.added"]
    await context.close()
    assert told.count("before") == 1 and told.count("during") <= 1 and told.count("after") >= 1
    assert verify_database(house.url).intact


async def is_(ask: Any, word: str) -> bool:
    return bool(await ask() == word)
