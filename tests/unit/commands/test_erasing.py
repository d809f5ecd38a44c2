"""A text is erased from all that belongs to an incident, in a real store: nothing of it is left in any file below it,
and the chains go on proving the rest."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql

from hutch.bootstrap.wire import open_context
from hutch.cli.main import cli
from hutch.commands import alerts, erasing, evidence, incidents, outputs, reviews, runs
from hutch.commands.context import CommandError, Context
from hutch.model.action import Command
from hutch.model.alert import Alert
from hutch.model.effect import Effect
from hutch.model.event import Draft
from hutch.model.message import Audience, Message
from hutch.model.program import Item, Program
from hutch.model.severity import Severity
from hutch.ports import Append, Store
from hutch.review.timeline import timeline

PERSON = "Wilhelmina Zauberfrau"
RUN = "R-20260115-abc123"
ITEM = Item("i1", "one", 1, Command("sh", f"grep '{PERSON}' log", "here", Effect.READ))


@pytest.fixture(params=["sqlite", "postgres"])
async def context(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Context]:
    monkeypatch.chdir(tmp_path)
    if request.param == "postgres":
        monkeypatch.setenv("HUTCH_DATABASE_URL", request.getfixturevalue("database_url"))
    path = tmp_path / "hutch.yaml"
    path.write_text("services: {shop: {}}\n", encoding="utf-8")
    found = open_context(path)
    yield found
    await found.close()


async def full(context: Context, *, finished: bool = True, over: bool = True) -> str:
    """An incident with the person in its alert, note, message, run, output, evidence and draft."""
    now = context.clock.now()
    fired = Alert("Slow", "shop", Severity.SEV2, now, f"slow for {PERSON}", labels={"customer": PERSON.lower()})
    await alerts.receive(context, [fired, *([replace(fired, ends_at=now)] if over else [])])
    (state,) = await incidents.listing(context)
    await incidents.note(context, state.id, f"{PERSON} called", "olivia")
    message = Message("m1", "ops", "Slow", f"Tell {PERSON}", state.id, Audience.RESPONDERS)
    await incidents.change(context, state.id, lambda _: [message.queued(), Draft("run.linked", {"run": RUN})])
    started = {
        "service": "shop", "title": "t", "document": "d", "hash": "h", "incident": state.id, "mode": "act",
        "program": Program(reads=(ITEM,)).as_dict(),
    }  # fmt: skip
    ended = {"item": "i1", "title": "grep", "status": "passed", "output": f"x {PERSON} y", "summary": PERSON}
    drafts = [Draft("run.started", started), Draft("statement.finished", ended)]
    drafts += [Draft("run.finished", {"outcome": "healthy", "summary": ""})] if finished else []
    await context.store.commit([Append(f"run:{RUN}", tuple(drafts))])
    assert context.outputs
    said = context.outputs.open(RUN, "i1")
    said.add(f"line one\n{PERSON.upper()}\nline three\n")
    await said.close()
    await evidence.attach(context, state.id, "log.txt", f"… {PERSON} …".encode(), "", "olivia")
    await evidence.attach(context, state.id, "shot.png", b"\x89PNG\r\n\x1a\n", "", "olivia")
    await reviews.write_review(context, state.id, "olivia")
    return state.id


def places(folder: Path) -> list[str]:
    """The files below the store's folder, and the tables of its database, that hold it, in any case."""
    wanted = PERSON.lower().encode()
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and wanted in p.read_bytes().lower()]
    return [*(str(p.relative_to(folder)) for p in files), *_tables()]


def _tables() -> list[str]:
    """The tables of the Postgres that is the store, if one is."""
    if not (url := os.environ.get("HUTCH_DATABASE_URL", "")):
        return []
    with psycopg.connect(url, autocommit=True) as connection:
        query = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^pg_|^information_schema'"
        tables = list(connection.execute(query))
        holds = sql.SQL("SELECT count(*) FROM {} AS one WHERE one::text ILIKE {}")
        rows = [connection.execute(holds.format(sql.Identifier(*t), f"%{PERSON}%")).fetchone() for t in tables]
    assert len(rows) > 5
    return [".".join(table) for table, row in zip(tables, rows, strict=True) if row and row[0]]


async def test_it_is_gone_from_all_that_belongs_to_the_incident(context: Context, tmp_path: Path) -> None:
    incident = await full(context)
    before = await incidents.load(context, incident)
    assert len(places(tmp_path / ".hutch")) >= 4
    gone = await erasing.erase_text(context, incident, PERSON, "asked under GDPR Art. 17", "olivia")
    assert {s.partition(":")[0] for s in gone.events} == {"incident", "run", "alert"}
    assert len(gone.files) == 2 and len(gone.evidence) == 1 and len(gone.unsearched) == 1
    after = await incidents.load(context, incident)
    assert (after.clocks, after.severity, after.alerts, after.runs) == (
        before.clocks, before.severity, before.alerts, before.runs,
    )  # fmt: skip
    run = await runs.load(context, RUN)
    assert run.outcome == "healthy" and run.read == {"i1": "passed"} and PERSON not in run.program.reads[0].command.text
    assert (await outputs.said(context, RUN, "i1")).text == "line one\n(erased)\nline three\n"
    assert PERSON not in await reviews.draft_review(context, incident)
    bundle = "\n".join(await reviews.bundle(context, incident))
    assert PERSON.lower() not in bundle.lower()
    await context.close()
    assert places(tmp_path / ".hutch") == []
    (tmp_path / "bundle.jsonl").write_text(bundle + "\n", encoding="utf-8")
    for words in (["verify"], ["verify", "bundle.jsonl"]):
        done = await asyncio.to_thread(CliRunner().invoke, cli, words)
        assert done.exit_code == 0, done.output
        assert "Erased by olivia" in done.output and "asked under GDPR" in done.output


async def test_what_fired_is_known_as_before(context: Context) -> None:
    incident = await full(context)
    await erasing.erase_text(context, incident, PERSON, "asked", "olivia")
    for board in (context.board, type(context.board)()):
        async with board.lock:
            await board.catch_up(context.store, context.clock.now())
            prints = [key.partition("@")[0] for key in (await incidents.load(context, incident)).alerts]
            (found,) = (await board.firings(context.store, prints)).values()
        assert found.last and found.incident == incident and PERSON not in found.last.summary
        assert [found.last.key] == list((await incidents.load(context, incident)).alerts)


async def test_labels_of_an_alert_that_still_fires_are_left_alone(context: Context) -> None:
    incident = await full(context, over=False)
    with pytest.raises(CommandError, match="in its labels still fires"):
        await erasing.erase_text(context, incident, PERSON, "asked", "olivia")
    assert any(PERSON in str(e.data) for e in await context.store.read(f"incident:{incident}"))


async def test_twice_is_refused_and_a_text_within_another_goes_too(context: Context) -> None:
    incident = await full(context)
    await erasing.erase_text(context, incident, "Zauberfrau", "asked", "olivia")
    with pytest.raises(CommandError, match="nothing that belongs to"):
        await erasing.erase_text(context, incident, PERSON, "asked", "olivia")
    await erasing.erase_text(context, incident, "Wilhelmina", "asked", "olivia")
    raw = [e for s in (f"incident:{incident}", f"run:{RUN}") for e in await context.store.read(s)]
    assert "wilhelmina" not in json.dumps([dict(e.data) for e in raw]).lower()
    assert (await runs.load(context, RUN)).outcome == "healthy"


async def test_cut_off_between_the_word_and_the_deed_it_is_not_shown_and_is_finished_later(context: Context) -> None:
    incident = await full(context)
    await incidents.load(context, incident)  # remembered with the text in it
    doomed = replace(context, store=cast(Store, Cut(context.store)))
    with pytest.raises(OSError, match="cut off"):
        await erasing.erase_text(doomed, incident, PERSON, "asked", "olivia")
    raw = await context.store.read(f"incident:{incident}")
    assert any(PERSON in str(e.data) for e in raw), "the test shows nothing otherwise"
    known = await incidents.known(context, incident)
    assert PERSON.lower() not in str(known).lower()
    assert PERSON.lower() not in str([e.text for e in timeline(raw)]).lower()
    await erasing.erase_text(context, incident, PERSON, "asked", "olivia")
    for stream in (f"incident:{incident}", f"run:{RUN}"):
        assert PERSON.lower() not in str([dict(e.data) for e in await context.store.read(stream)]).lower()


class Cut:
    """A store on which nothing can be erased any more."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)

    async def erase(self, stream: str, seq: int) -> bool:
        raise OSError("cut off")


@pytest.mark.parametrize(
    ("text", "reason", "message"),
    [
        ("abc", "asked", "4 characters at least"),
        (PERSON, " ", "say why"),
        (PERSON, f"for {PERSON.upper()}", "the reason holds the text"),
        ("healthy", "asked", "part of what the state of run:"),
        ("statement that nobody wrote", "asked", "nothing that belongs to"),
    ],
)
async def test_what_cannot_be_erased_says_why_and_nothing_went(
    context: Context, text: str, reason: str, message: str
) -> None:
    incident = await full(context)
    before = [await context.store.read(s) for s in (f"incident:{incident}", f"run:{RUN}")]
    with pytest.raises(CommandError, match=message):
        await erasing.erase_text(context, incident, text, reason, "olivia")
    assert [await context.store.read(s) for s in (f"incident:{incident}", f"run:{RUN}")] == before


async def test_a_run_under_way_is_left_alone(context: Context) -> None:
    incident = await full(context, finished=False)
    with pytest.raises(CommandError, match="is under way; erase when it has ended"):
        await erasing.erase_text(context, incident, PERSON, "asked", "olivia")
    assert any(PERSON in str(e.data) for e in await context.store.read(f"incident:{incident}"))


async def test_the_command_takes_it_from_stdin_too(context: Context) -> None:
    incident = await full(context)
    await context.close()
    words = ["incident", "erase", incident, "--text", "-"]
    dry = await asyncio.to_thread(CliRunner().invoke, cli, [*words, "--dry-run"], input=f"{PERSON}\n")
    assert dry.exit_code == 0 and f"would be erased from run:{RUN}: events 1, 2" in dry.output, dry.output
    mute = await asyncio.to_thread(CliRunner().invoke, cli, words, input=f"{PERSON}\n")
    assert "say why" in str(mute.exception)
    words += ["--reason", "asked"]
    done = await asyncio.to_thread(CliRunner().invoke, cli, words, input=f"{PERSON}\n")
    assert done.exit_code == 0, (done.output, done.exception)
    assert f"erased from run:{RUN}: events 1, 2" in done.output and "is no text and was not searched" in done.output
    again = CliRunner().invoke(cli, ["incident", "erase", incident, "--text", "x", "--event", "1", "--reason", "r"])
    assert again.exit_code == 2
