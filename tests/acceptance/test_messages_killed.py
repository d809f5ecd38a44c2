"""kill -9 of a worker while it sends: no message is lost, and a copy that comes twice carries the same id."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from hutch.bootstrap.wire import open_context
from hutch.commands import incidents, messages
from hutch.model.message import Message, State
from hutch.model.severity import Severity
from hutch.ports import Append
from rolerabbit.embedded.postgres import Postgres
from sinks import Mailbox, mailbox

HUTCH = str(Path(sys.executable).with_name("hutch"))
COUNT = 12


def configured(folder: Path, port: int) -> Path:
    path = folder / "hutch.yaml"
    path.write_text(
        "services: {shop: {http: {url: 'http://127.0.0.1:9'}}}\n"
        "notify:\n  reminders: false\n  channels:\n    mail:\n      kind: mail\n      audience: stakeholders\n"
        f"      server: 127.0.0.1:{port}\n      security: none\n"
        "      sender: h@example.com\n      to: [a@example.com]\n"
    )
    return path


async def queue_all(path: Path) -> tuple[str, list[str]]:
    context = open_context(path)
    try:
        state = await incidents.declare(context, title="t", service="shop", severity=Severity.SEV4)
        wanted = [Message(messages.new_id(), "mail", f"Mail {n}", "text", state.id) for n in range(COUNT)]
        drafts, jobs = messages.queued(state.stream, wanted, context)
        await context.store.commit([Append(state.stream, tuple(drafts))], jobs)
        return state.stream, [m.id for m in wanted]
    finally:
        await context.close()


async def until(box: Mailbox, count: int) -> None:
    async with asyncio.timeout(30):
        while len(box.mails) < count:
            await asyncio.sleep(0.02)


def worker(path: Path) -> subprocess.Popen[bytes]:
    words = [HUTCH, "--config", str(path), "worker"]
    with (path.parent / "worker.log").open("ab") as log:
        return subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if request.param == "sqlite":
        yield ""
        return
    with Postgres.temporary() as server:
        monkeypatch.setenv("HUTCH_DATABASE_URL", server.url)
        yield server.url


async def test_killed_while_it_sends(tmp_path: Path, store: str) -> None:
    async with mailbox(slow=0.3) as box:
        path = configured(tmp_path, box.port)
        stream, wanted = await queue_all(path)
        for seen in (2, 6):
            first = worker(path)
            try:
                await until(box, seen)
            finally:
                first.send_signal(signal.SIGKILL)
                first.wait()
        box.slow = 0.0
        last = worker(path)
        try:
            await until(box, COUNT)
            context = open_context(path)
            async with asyncio.timeout(40):
                while True:
                    sent = await messages.sent_of(context, stream)
                    if all(s.state is State.DELIVERED for s in sent):
                        break
                    await asyncio.sleep(0.05)
            await context.close()
        finally:
            last.terminate()
            last.wait(20)
    arrived = Counter(box.ids)
    assert set(arrived) == set(wanted)
    assert len(sent) == COUNT
    assert arrived.total() > COUNT, "nobody was killed between sending and writing it down: the test shows nothing"
