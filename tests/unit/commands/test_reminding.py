"""Reminders of the runbooks' reviews: each once a period, to those whom action items are told to, and the owner."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hutch.bootstrap.secrets import EnvironmentSecrets
from hutch.commands.context import Context
from hutch.commands.reminding import remind
from hutch.commands.upkeep import STREAM, reviewed
from hutch.commands.worker import Worker
from hutch.model.action import Outcome, Result
from hutch.model.config import Config
from hutch.model.message import Audience, Channel, Message, NotifyConfig
from hutch.model.oncall import PeopleConfig, Person
from hutch.ports import Append, Conflict
from hutch.testing import START, FakeClock, MemoryQueue, MemoryStore

DAY = 24 * 3600.0
UPDATED = START - timedelta(days=60)


class Ear:
    def __init__(self) -> None:
        self.heard = list[Message]()

    async def notify(self, message: Message) -> Outcome:
        self.heard.append(message)
        return Outcome(Result.DONE, "heard")

    async def look(self) -> Outcome:
        return Outcome(Result.DONE, "there")


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def context(ear: Ear, tmp_path: Path) -> Context:
    book = f"# Pay\n\n**Last Updated:** {UPDATED:%Y-%m-%d}\n**Maintained By:** sam\n**Review Schedule:** Quarterly\n"
    (tmp_path / "pay.md").write_text(book, encoding="utf-8")
    (tmp_path / "other.md").write_text("# Other\n\nno schedule\n", encoding="utf-8")
    kinds = {"ops": Audience.RESPONDERS, "sam-phone": Audience.RESPONDERS, "managers": Audience.STAKEHOLDERS}
    channels = {name: Channel(name, "webhook", audience) for name, audience in kinds.items()}
    channels |= {"drill": Channel("drill", "webhook", Audience.RESPONDERS, exercise=True)}
    clock = FakeClock()
    store = MemoryStore(clock)
    config = Config(
        path=str(tmp_path / "hutch.yaml"), runbooks=("pay.md", "other.md"),
        notify=NotifyConfig(channels), people=PeopleConfig(people={"sam": Person("sam", ("sam-phone",))}),
    )  # fmt: skip
    return Context(
        config, tmp_path, store, MemoryQueue(store), clock, EnvironmentSecrets(tmp_path), {}, {},
        open_notifier=lambda _: ear,
    )  # fmt: skip


async def looked(context: Context, days: int) -> None:
    """A look every day, twice, as by two servers, and what was queued is sent."""
    worker = Worker(context)
    for _ in range(days):
        await remind(context)
        await remind(context)
        while await worker.step():
            pass
        assert isinstance(context.clock, FakeClock)
        context.clock.advance(DAY)


async def test_each_is_said_once_for_each_time_that_it_is_due(context: Context, ear: Ear) -> None:
    await looked(context, 120)
    assert [(m.channel, m.body.partition(":")[0]) for m in ear.heard] == [
        ("ops", "Due soon"), ("sam-phone", "Due soon"), ("ops", "Overdue"), ("sam-phone", "Overdue"),
    ]  # fmt: skip
    assert "for sam" in ear.heard[0].body and "hutch todo done runbook:pay" in ear.heard[0].body
    first = len(ear.heard)
    await reviewed(context, "runbook:pay", "still true", "sam")
    await looked(context, 60)
    assert len(ear.heard) == first, "three months begin anew"
    await looked(context, 60)
    assert len(ear.heard) == 2 * first


async def test_after_a_year_asleep_only_that_it_is_overdue_is_said(context: Context, ear: Ear) -> None:
    assert isinstance(context.clock, FakeClock)
    context.clock.advance(365 * DAY)
    await looked(context, 3)
    assert [m.body.partition(":")[0] for m in ear.heard] == ["Overdue", "Overdue"]


async def test_without_reminders_nothing_is_queued(context: Context) -> None:
    quiet = replace(context.config.notify, reminders=False)
    assert isinstance(context.clock, FakeClock)
    context.clock.advance(365 * DAY)
    assert await remind(replace(context, config=replace(context.config, notify=quiet))) == 0
    assert not await context.store.read(STREAM)


async def test_of_two_that_look_at_once_one_writes(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(context.clock, FakeClock) and isinstance(context.store, MemoryStore)
    context.clock.advance(365 * DAY)
    real = context.store.commit

    async def second(appends: list[Append], *args: object, **more: object) -> object:
        monkeypatch.setattr(context.store, "commit", real)
        await remind(context)
        return await real(appends, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(context.store, "commit", second)
    with pytest.raises(Conflict):
        await remind(context)
    assert [e.data["channel"] for e in await context.store.read(STREAM)] == ["ops", "sam-phone"]
