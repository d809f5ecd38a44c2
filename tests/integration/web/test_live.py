"""The stream of events: nothing missed, nothing twice, nobody waits for a slow listener."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hutch.bootstrap.wire import open_context
from hutch.commands import incidents
from hutch.commands.board import end_of
from hutch.commands.freeze import freeze
from hutch.model.event import Draft
from hutch.model.severity import Severity
from hutch.ports import Append
from hutch.testing import FakeClock, MemoryStore
from hutch.web import live, server
from hutch.web.live import Hub


async def noted(store: Any, count: int, stream: str = "pad:X") -> None:
    await store.commit([Append(stream, tuple(Draft("note.added", {"text": str(n)}) for n in range(count)))])


class Heard:
    """A stream of events, read frame by frame."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer

    async def next(self) -> tuple[str, int | None, dict[str, Any]]:
        fields: dict[str, str] = {}
        while line := (await asyncio.wait_for(self.answer.content.readline(), 20)).decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            fields[name] = value
        number = fields.get("id")
        return fields.get("event", ""), int(number) if number else None, json.loads(fields.get("data", "{}"))


async def test_what_happens_is_told_to_all_who_listen(site: Any) -> None:
    async with site.client.get(f"{site.address}/events") as one, site.client.get(f"{site.address}/events") as two:
        assert one.content_type == "text/event-stream"
        assert one.headers["Cache-Control"] == "no-store" and "Content-Encoding" not in one.headers
        first, second = Heard(one), Heard(two)
        kind, position, hello = await first.next()
        assert (kind, position) == ("hello", hello["position"]) == ("hello", 0) and hello["now"]
        await second.next()
        await incidents.declare(site.context, title="secret title", service="shop", severity=Severity.SEV2)
        for listener in (first, second):
            kind, position, data = await listener.next()
            assert (kind, position, data["kind"]) == ("change", 1, "incident.declared")
            assert data["stream"].startswith("incident:INC-") and "secret" not in json.dumps(data)
        await freeze(site.context, "enough", "olivia")
        while (told := await first.next())[0] == "change":
            pass
        assert (told[0], told[1], told[2]) == ("state", None, {"frozen": True})


async def test_a_returning_listener_gets_what_it_missed_once(site: Any) -> None:
    await noted(site.context.store, 5)
    headers = {"Last-Event-ID": "2"}
    async with site.client.get(f"{site.address}/events?after=4", headers=headers) as answer:
        listener = Heard(answer)
        assert (await listener.next())[:2] == ("hello", None)
        missed = [await listener.next() for _ in range(3)]
        assert [position for _, position, _ in missed] == [3, 4, 5]
        await noted(site.context.store, 2)
        assert [(await listener.next())[1] for _ in range(2)] == [6, 7]


async def test_who_was_away_too_long_or_comes_from_another_log_looks_anew(site: Any) -> None:
    await noted(site.context.store, live.REPLAY + 5)
    for after in (0, 999_999):
        async with site.client.get(f"{site.address}/events?after={after}") as answer:
            listener = Heard(answer)
            await listener.next()
            kind, position, _ = await listener.next()
            assert (kind, position) == ("reset", live.REPLAY + 5)


async def test_an_unreadable_last_id_is_a_first_visit(site: Any) -> None:
    for given in ("x", "-1", "9" * 30, "²"):
        async with site.client.get(f"{site.address}/events", headers={"Last-Event-ID": given}) as answer:
            assert (await Heard(answer).next())[:2] == ("hello", 0)


async def test_too_many_listeners_are_told_to_come_back(site: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(live, "MOST_CLIENTS", 1)
    async with site.client.get(f"{site.address}/events") as answer:
        await Heard(answer).next()
        async with site.client.get(f"{site.address}/events") as refused:
            assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    for _ in range(100):
        async with site.client.get(f"{site.address}/events") as answer:
            if answer.status == 200:
                return
        await asyncio.sleep(0.1)
    raise AssertionError("the place of one who left was not given on")


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux lets go of them by itself")
@pytest.mark.timeout(180)
async def test_one_that_never_reads_holds_nobody_up_and_is_gone_after_a_while(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(server, "UNREAD", 3.0)
    (tmp_path / "hutch.yaml").write_text("diagnose_every: 0s\nservices: {shop: {}}\n")
    context = open_context(tmp_path / "hutch.yaml")
    listener = server.listen(0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # so that little fills what the system keeps
    place = listener.getsockname()
    async with server.serving(context, listener), aiohttp.ClientSession() as http:
        with socket.socket() as stuck:
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            stuck.connect(place)
            stuck.send(f"GET /events HTTP/1.1\r\nHost: {place[0]}:{place[1]}\r\n\r\n".encode())
            async with http.get(f"http://{place[0]}:{place[1]}/events") as answer:
                reader = Heard(answer)
                assert (await reader.next())[0] == "hello"
                for batch in range(15):
                    await noted(context.store, 200)
                    for number in range(200):
                        assert (await reader.next())[1] == batch * 200 + number + 1
            with pytest.raises((ConnectionResetError, BrokenPipeError)):  # it learns it when it speaks
                for _ in range(120):
                    await asyncio.sleep(0.5)
                    stuck.send(b"x")
    await context.close()


# ------------------------------------------------------------------ the hub by itself


async def frames(hub: Hub, after: int | None) -> AsyncIterator[str]:
    async with hub.joined() as client:
        async for text in hub.frames(client, after):
            yield text


def position(text: str) -> int:
    return int(text.partition("id: ")[2].partition("\n")[0])


async def test_a_listener_that_does_not_read_is_let_go_and_loses_nothing(tmp_path: Path) -> None:
    clock = FakeClock()
    store = MemoryStore(clock)
    hub = Hub(store, clock, tmp_path)
    slow = frames(hub, None)
    assert "hello" in await anext(slow)
    await noted(store, live.ROOM + 10)
    for _ in range(200):
        if not hub.clients:
            break
        await asyncio.sleep(0.05)
    assert not hub.clients
    assert [text async for text in slow] == []  # nothing waits for it any more: memory is bounded
    again = frames(hub, 0)
    assert "hello" in await anext(again)
    assert [position(await anext(again)) for _ in range(live.ROOM + 10)] == list(range(1, live.ROOM + 11))
    await again.aclose()
    hub.close()


async def test_nobody_listening_means_nobody_looking(tmp_path: Path) -> None:
    clock = FakeClock()
    store = MemoryStore(clock)
    hub = Hub(store, clock, tmp_path)
    listener = frames(hub, None)
    await anext(listener)
    assert hub._loop and not hub._loop.done()
    await listener.aclose()
    for _ in range(200):
        if hub._loop.done():
            break
        await asyncio.sleep(0.05)
    assert hub._loop.done()
    await noted(store, 3)
    late = frames(hub, None)
    assert position(await anext(late)) == 3
    await late.aclose()
    hub.close()


async def test_who_joins_while_the_looking_is_about_to_end_hears_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person goes from one page to the next: for a moment nobody listens."""
    clock = FakeClock()
    store = MemoryStore(clock)
    hub = Hub(store, clock, tmp_path)
    looked, held = 0, asyncio.Event()

    async def frozen_in(*_: object) -> str:
        nonlocal looked
        looked += 1
        if looked == 3:  # once as it starts, then the last turn but one, and the last
            await held.wait()
        return ""

    monkeypatch.setattr(live, "LOOK", 0.01)
    monkeypatch.setattr(live, "frozen_in", frozen_in)
    await hub.drawing()
    async with asyncio.timeout(20):
        while looked < 3:
            await asyncio.sleep(0.01)
        late = frames(hub, None)
        await anext(late)
        held.set()
        await asyncio.sleep(0.1)
        await noted(store, 1)
        assert position(await anext(late)) == 1
    await late.aclose()
    hub.close()


async def test_the_end_of_a_log_is_found_whatever_its_length() -> None:
    for count in (0, 1, 2, 3, 7, 8, 9, 1000):
        store = MemoryStore(FakeClock())
        await noted(store, count)
        assert await end_of(store) == count


async def test_who_is_told_nothing_hears_that_the_server_is_there(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT", 0.2)
    async with site.client.get(site.address + "/events") as feed, asyncio.timeout(20):
        heard = ""
        while heard.count("event: beat") < 2:
            heard += (await feed.content.readany()).decode()
    assert "event: hello" in heard
