"""Vercel's own client against the same platform: what Hutch sends for a change is what the client sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hutch.model.action import Result
from hutch.model.platform import LogQuery
from hutch.ports import Connection, TargetConfig
from hutch.providers.vercel import provider
from platform_world import TOKEN, World, serving
from rolerabbit.platform.logs import read_line
from vercel_client import VERSION, VercelClient, client

ONE, TWO = (f"dpl_{number:024d}" for number in (1, 2))
Served = tuple[World, VercelClient, Connection]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str], Served]]:
    """A platform for one of the two, with the client and Hutch at its address."""
    open_doors = []

    def make(name: str) -> Served:
        world = World(tmp_path / name)
        door = serving(world)
        address = door.__enter__()
        open_doors.append(door)
        settings = {"project": "rolerabbit", "token": TOKEN, "changes": True, "url": address, "logs_url": address}
        hutch = provider.open(TargetConfig("web", {**settings, "look_every": 0.05}, lambda: datetime.now(UTC)))
        return world, client(tmp_path, address, TOKEN), hutch

    yield make
    for door in open_doors:
        door.__exit__(None, None, None)


def asked(world: World) -> list[tuple[str, str, Any]]:
    return [(call.line, call.query, call.body) for call in world.calls if call.method == "POST"]


async def test_a_change_is_asked_for_as_vercels_client_asks(serve: Callable[[str], Served]) -> None:
    theirs, vercel, _ = serve("theirs")
    ours, _, hutch = serve("ours")
    assert VERSION in vercel("--version")
    assert "▲ Aliased" in vercel("redeploy", TWO)
    assert "rolerabbit was rolled back to rolerabbit-1" in vercel("rollback", ONE, "--yes")
    assert "rolerabbit was promoted to rolerabbit-2" in vercel("promote", TWO, "--yes")
    assert (
        await hutch.actions["service.restart"].apply({"since": datetime.now(UTC).isoformat()})
    ).result is Result.DONE
    theirs_redeploy, *moves = asked(theirs)
    assert asked(ours)[0] == (theirs_redeploy[0], theirs_redeploy[1], {**theirs_redeploy[2], "deploymentId": TWO})
    for to in (ONE, TWO):
        assert (await hutch.actions["deploy.rollback"].apply({"to": to})).result is Result.DONE
    assert asked(ours)[1:] == moves


async def test_what_is_read_is_what_vercels_client_reads(serve: Callable[[str], Served]) -> None:
    world, vercel, hutch = serve("both")
    world.book.add(read_line("ERROR it broke", datetime.now(UTC), "42", "42-1", "stdout"))
    assert "rolerabbit-2.localhost" in vercel("ls", "rolerabbit")
    assert "ERROR it broke" in vercel("logs", "--project", "rolerabbit", "--query", "broke", "--level", "error")
    theirs = {call.line for call in world.calls} - {"GET /v2/user"}
    world.calls.clear()
    assert hutch.platform
    assert [d.id for d in await hutch.platform.deployments()] == [ONE, TWO]
    assert [line.text for line in await hutch.platform.logs(LogQuery("broke", level="error"))] == ["ERROR it broke"]
    assert {call.line for call in world.calls} == theirs


async def test_another_size_is_set_as_vercels_client_sets_it(serve: Callable[[str], Served]) -> None:
    theirs, vercel, _ = serve("theirs")
    ours, _, hutch = serve("ours")
    words = ("project", "update", "rolerabbit", "--function-cpu", "performance")
    assert "Updated" in vercel.typed(*words, answers="y\r")
    assert (await hutch.actions["service.scale"].apply({"memory_gb": 4})).result is Result.DONE
    [asked_by_it], [by_us] = ([(c.line, c.body) for c in w.calls if c.method == "PATCH"] for w in (theirs, ours))
    assert by_us == asked_by_it == ("PATCH /v9/projects/prj_rolerabbit", by_us[1])
    assert by_us[1] == {"resourceConfig": {"functionDefaultMemoryType": "performance"}}
