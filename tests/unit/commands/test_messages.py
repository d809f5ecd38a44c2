"""Messages are events and jobs: none is lost, each try is told, and trying ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from hutch.bootstrap.notify import opener
from hutch.bootstrap.secrets import EnvironmentSecrets
from hutch.commands import incidents, messages
from hutch.commands.context import Context, Service
from hutch.commands.worker import Worker
from hutch.model.config import Config, ServiceConfig
from hutch.model.event import Event
from hutch.model.message import PAUSES, Audience, Channel, Message, NotifyConfig, State
from hutch.model.severity import Severity
from hutch.ports import Append
from hutch.review.timeline import timeline
from hutch.testing import FakeClock, MemoryQueue, MemoryStore
from sinks import Hook, Mailbox, hook, mailbox


def world(*channels: Channel) -> Context:
    clock, kept = FakeClock(), EnvironmentSecrets(Path())
    store = MemoryStore(clock)
    shop = Service(ServiceConfig("shop"), {})
    notify = NotifyConfig({c.name: c for c in channels}, reminders=False)
    config = Config(services={"shop": shop.config}, notify=notify)
    queue = MemoryQueue(store)
    return Context(config, Path(), store, queue, clock, kept, {"shop": shop}, {}, open_notifier=opener(kept))


def mail_channel(port: int, name: str = "mail") -> Channel:
    given = {"server": f"127.0.0.1:{port}", "security": "none", "sender": "h@example.com", "to": ["a@example.com"]}
    more = {"user": "", "password": None, "ca": None, "timeout": timedelta(seconds=2)}
    return Channel(name, "mail", Audience.STAKEHOLDERS, given | more)


def hook_channel(url: str, name: str = "hook") -> Channel:
    settings = {"url": f"plain:{url}", "secret": None, "timeout": timedelta(seconds=2), "networks": ["127.0.0.0/8"]}
    return Channel(name, "webhook", Audience.RESPONDERS, settings)


async def queue_one(context: Context, channel: str, text: str = "words") -> tuple[str, Message]:
    """An incident, and one message of it."""
    state = await incidents.declare(context, title="t", service="shop", severity=Severity.SEV4)
    message = Message(messages.new_id(), channel, "A title", text, state.id, about="test")
    drafts, jobs = messages.queued(state.stream, [message], context)
    await context.store.commit([Append(state.stream, tuple(drafts))], jobs)
    return state.stream, message


async def work(context: Context) -> None:
    """Do every job that is due."""
    worker = Worker(context)
    while await worker.step():
        pass


def advance(context: Context, length: timedelta) -> None:
    assert isinstance(context.clock, FakeClock)
    context.clock.advance(length.total_seconds())


async def told(context: Context, stream: str, kind: str) -> list[Event]:
    return [e for e in await context.store.read(stream) if e.kind == kind]


async def test_a_message_is_delivered_once_and_told() -> None:
    async with hook() as one:
        context = world(hook_channel(one.url))
        stream, message = await queue_one(context, "hook")
        await work(context)
        await messages.deliver(context, stream, message.id)
    assert [g.body["id"] for g in one.got] == [message.id]
    (sent,) = await messages.sent_of(context, stream)
    assert (sent.state, sent.tries) == (State.DELIVERED, 1)
    lines = [e.text for e in timeline(await context.store.read(stream))]
    assert "Message delivered by hook" in lines


async def test_an_unreachable_mail_server_loses_nothing_and_is_said() -> None:
    async with mailbox() as gone:
        port = gone.port
    context = world(mail_channel(port))
    stream, message = await queue_one(context, "mail")
    await work(context)
    (failed,) = await told(context, stream, "message.failed")
    assert "refused" in str(failed.data["said"])
    assert any("not delivered (try 1)" in e.text for e in timeline(await context.store.read(stream)))
    async with mailbox(port=port) as box:
        await work(context)
        assert box.ids == []  # not before its time
        advance(context, PAUSES[0])
        await work(context)
    assert box.ids == [message.id]
    assert len(await told(context, stream, "message.delivered")) == 1


async def test_trying_ends_and_is_said_and_then_nothing_is_tried_again() -> None:
    async with hook(answers=[503] * 40) as one:
        context = world(hook_channel(one.url))
        stream, _ = await queue_one(context, "hook")
        for _ in range(60):
            await work(context)
            advance(context, timedelta(hours=1))
        assert len(one.got) == len(PAUSES) + 1
    assert [len(await told(context, stream, k)) for k in ("message.failed", "message.given_up")] == [len(PAUSES), 1]


async def test_what_no_further_try_mends_is_given_up_at_once() -> None:
    async with hook(answers=[404]) as one:
        context = world(hook_channel(one.url))
        stream, _ = await queue_one(context, "hook")
        await work(context)
    assert (await messages.sent_of(context, stream))[0].state is State.GIVEN_UP


async def test_a_channel_that_was_removed_is_said() -> None:
    context = world()
    stream, _ = await queue_one(context, "gone")
    await work(context)
    (ended,) = await told(context, stream, "message.given_up")
    assert "no channel 'gone'" in str(ended.data["said"])


async def test_secrets_are_masked_before_they_are_stored_or_sent() -> None:
    async with hook() as one:
        context = world(hook_channel(one.url))
        assert isinstance(context.secrets, EnvironmentSecrets)
        context.secrets.remember("s3cret-value")
        stream, _ = await queue_one(context, "hook", "the password is s3cret-value")
        await work(context)
    assert one.got[0].body["body"] == "the password is •••"
    assert "s3cret-value" not in repr(await context.store.read(stream))


@asynccontextmanager
async def both() -> AsyncIterator[tuple[Mailbox, Hook]]:
    async with mailbox() as box, hook() as one:
        yield box, one


async def test_one_channel_that_is_down_does_not_hold_up_another() -> None:
    async with both() as (box, one):
        one.answers = [503]
        context = world(mail_channel(box.port), hook_channel(one.url))
        await queue_one(context, "hook")
        await queue_one(context, "mail")
        await work(context)
    assert len(box.mails) == 1
