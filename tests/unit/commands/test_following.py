"""Following logs: each line once, late ones too, and what does not answer is said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from hutch.bootstrap.secrets import EnvironmentSecrets
from hutch.commands.context import Context, Service
from hutch.commands.following import follow
from hutch.model.config import Config, ServiceConfig
from hutch.model.platform import LogLine, LogQuery, Unanswered
from hutch.ports import Connection
from hutch.testing import FakeClock, MemoryQueue, MemoryStore


class Running(FakeClock):
    """Time passes while somebody sleeps."""

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)


class Source:
    """What each look gives, in turn."""

    def __init__(self, clock: FakeClock, *looks: Sequence[str] | Unanswered) -> None:
        self.looks, self.clock, self.begin = list(looks), clock, clock.now()
        self.asked: list[LogQuery] = []

    async def logs(self, query: LogQuery) -> Sequence[LogLine]:
        self.asked.append(query)
        look = self.looks.pop(0) if self.looks else ()
        if isinstance(look, Unanswered):
            raise look
        return [LogLine(self.begin + timedelta(seconds=float(said.split()[0])), "r", said) for said in look]


async def followed(tmp_path: Path, clock: FakeClock, source: Source, seconds: float) -> list[dict[str, Any]]:
    store = MemoryStore(clock)
    service = Service(ServiceConfig("web"), {"files": Connection("f", logs=source.logs)})
    secrets = EnvironmentSecrets(tmp_path)
    context = Context(Config(), tmp_path, store, MemoryQueue(store), clock, secrets, {"web": service}, {})
    end = clock.now() + timedelta(seconds=seconds)
    return [look async for look in follow(context, "", LogQuery("x", limit=3), end)]


async def test_each_line_is_told_once_and_alike_ones_as_often_as_they_were_said(tmp_path: Path) -> None:
    clock = Running()
    source = Source(
        clock, ["1 a"], ["1 a", "1 a", "2 b"], Unanswered("away", recoverable=True), ["1 a", "1 a", "1.5 late"]
    )
    looks = await followed(tmp_path, clock, source, 7)
    assert [[row["text"] for row in look["lines"]] for look in looks] == [["1 a"], ["1 a", "2 b"], [], ["1.5 late"]]
    assert [look["problems"] for look in looks] == [[], [], ["away"], []]
    assert {look["behind"] for look in looks} == {False}


async def test_only_what_may_still_come_is_asked_for_again(tmp_path: Path) -> None:
    clock = Running()
    source = Source(clock)
    await followed(tmp_path, clock, source, 60)
    assert source.asked[0].since == source.begin
    assert source.asked[-1].since == source.begin + timedelta(seconds=56 - 30)
    assert {query.limit for query in source.asked} == {10_000}


async def test_more_than_one_search_gives_is_said(tmp_path: Path) -> None:
    clock = Running()
    [look] = await followed(tmp_path, clock, Source(clock, [f"{n / 10000} x" for n in range(10_000)]), 1)
    assert (look["behind"], len(look["lines"])) == (True, 10_000)
