"""Incidents leave the store for archives and come back: nothing is lost, nothing is there twice, and the chain proves
it all with the archives absent and, given them, down to the texts. In real stores."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from click.testing import CliRunner
from moto.server import ThreadedMotoServer

from closed_incident import PERSON, closed
from hutch.bootstrap.stores import place_of, proof
from hutch.bootstrap.wire import open_context
from hutch.cli.main import cli
from hutch.commands import archive, erasing, evidence, incidents, past, register, runs
from hutch.commands.archiving import Archiving
from hutch.commands.context import CommandError, Context
from hutch.commands.seen import SeenStore, seen_as
from hutch.model.event import ARCHIVED, Draft, Event
from hutch.model.register import Wanted
from hutch.model.severity import Severity
from hutch.places.folder import Folder
from hutch.places.seal import Ring
from hutch.ports import Append, Archives, Store
from hutch.store.archives import SealedArchives
from hutch.store.proof import Report
from hutch.testing import FakeClock

KEY = "00112233445566778899aabbccddeeff" * 2
CONFIG = "services: {shop: {}}\narchive: {after: 30d, key: {env: ARCHIVE_KEY}}\n"


@pytest.fixture(params=["sqlite", "postgres"])
async def context(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Context]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARCHIVE_KEY", KEY)
    if request.param == "postgres":
        monkeypatch.setenv("HUTCH_DATABASE_URL", request.getfixturevalue("database_url"))
    (tmp_path / "hutch.yaml").write_text(CONFIG, encoding="utf-8")
    found = open_context(tmp_path / "hutch.yaml", FakeClock())
    yield found
    await found.close()


def proved(context: Context) -> Report:
    found = proof(place_of(context.config, Path(context.config.path).resolve().parent))
    assert found.intact, found.breaks
    return found


def files(context: Context) -> list[Path]:
    return [path for path in (context.home / "archive").rglob("*") if path.is_file()]


async def whole_log(context: Context) -> list[tuple[int, Event]]:
    return await context.store.tail(0, 10_000)


async def test_it_leaves_the_store_and_comes_back_as_it_was(context: Context) -> None:
    name = await closed(context)
    other = await incidents.declare(context, title="Other", service="shop", severity=Severity.SEV3, respond=False)
    before, state = await whole_log(context), await incidents.load(context, name)
    (run,) = state.runs
    assert await archive.due(context) == []
    context.clock.advance(timedelta(days=31).total_seconds())  # type: ignore[attr-defined]
    assert await archive.due(context) == [name]

    (done,) = await archive.sweep(context, "policy:archive")
    assert (done.incident, done.events, done.why) == (name, state.seq, "")
    assert await archive.due(context) == [] and await archive.sweep(context, "policy:archive") == []
    (file,) = files(context)
    assert PERSON.encode() not in file.read_bytes() and ".sealed-" in file.name

    left = {event.stream: event.kind for _, event in await whole_log(context) if event.stream != other.stream}
    assert left == {f"incident:{name}": ARCHIVED, f"run:{run}": ARCHIVED}
    report = proved(context)
    gone = sum(event.stream != other.stream for _, event in before)
    assert (report.archived, len(report.ranges)) == (gone, 2)
    assert await archive.proved(context) == []

    context.recalled._known.clear()  # as another process sees it
    stub = await incidents.load(context, name)
    assert (stub.title, stub.service, stub.severity) == ("Slow", "shop", Severity.SEV2)
    assert stub.resolution == "it was the cache"
    assert not stub.open and stub.archived and stub.archived.archive == done.archive
    shown = await register.page(context, Wanted(open=False))
    assert [one.id for one in shown.incidents] == [name]
    assert await runs.listing(context) == []
    assert await past.told(context) and await past.search(context, "cache")
    for act in (incidents.note(context, name, "late", "olivia"), incidents.reopen(context, name, "again", "olivia"),
                erasing.erase_text(context, name, PERSON, "asked", "olivia")):  # fmt: skip
        with pytest.raises(CommandError, match=f"hutch archive restore {name}"):
            await act
    _, found = await archive.opened(context, name)
    assert [e for events in found.streams.values() for e in events if PERSON in str(e.data)]
    after = await incidents.declare(context, title="Next", service="shop", severity=Severity.SEV3, respond=False)
    assert after.id not in (name, other.id), "its number is given to no other"

    back = await archive.restore(context, name, "olivia")
    assert (back.title, back.runs, back.archived, back.items) == (state.title, state.runs, None, state.items)
    log = await whole_log(context)
    assert [row for row in log if row in before] == before, "each event is where it was"
    assert proved(context).ranges == [] and files(context) == []
    with pytest.raises(CommandError, match="lies in the store"):
        await archive.restore(context, name, "olivia")

    await erasing.erase_text(context, name, PERSON, "asked to", "olivia")
    (again,) = await archive.sweep(context, "policy:archive")
    _, found = await archive.opened(context, again.incident)
    assert not [e for events in found.streams.values() for e in events if PERSON in str(e.data)]
    assert proved(context).archived > report.archived


@pytest.mark.parametrize("context", ["sqlite"], indirect=True)
async def test_what_must_stay_stays_with_the_reason(context: Context) -> None:
    opened = await incidents.declare(context, title="Open", service="shop", severity=Severity.SEV2, respond=False)
    owing = await closed(context, owing=True)
    held, breached, erased = await closed(context), await closed(context), await closed(context)
    await archive.hold(context, held, "court order 7", "legal")
    told = {"code_name": "AMBER", "aware_at": "2026-01-15T10:00:00Z"}
    await incidents.change(context, breached, lambda _: [Draft("breach.opened", told)])
    said = {"event": 1, "kind": "incident.declared", "fields": [], "reason": "asked", "rest": {}}
    state = await incidents.load(context, erased)
    first = (await context.store.read(state.stream))[0]
    await context.store.commit([Append(state.stream, (Draft("event.erased", {**said, "rest": dict(first.data)}),))])
    context.clock.advance(timedelta(days=40).total_seconds())  # type: ignore[attr-defined]
    before = await whole_log(context)
    swept = await archive.sweep(context, "olivia", [opened.id, *await archive.due(context)])
    done = {one.incident: one.why for one in swept}
    assert {name: why.partition("stays in the store: ")[2] for name, why in done.items()} == {
        opened.id: "it is open",
        owing: "it still owes a promise: review",
        held: "a hold keeps it: court order 7",
        breached: "its breach is not closed: Preserve the evidence",
        erased: "an erasure in it was cut off: `hutch incident erase` again ends it",
    }
    assert await whole_log(context) == before and files(context) == []
    await archive.release(context, held, "it is over", "legal")
    assert (await archive.archive(context, held, "olivia")).incident == held


@pytest.mark.parametrize("context", ["sqlite"], indirect=True)
async def test_nothing_is_taken_out_that_cannot_be_read_back(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    name = await closed(context)
    before = await whole_log(context)

    def torn(self: SealedArchives, stored: str) -> bytes | None:
        return b"half"

    with monkeypatch.context() as patched:
        patched.setattr(SealedArchives, "get", torn)
        with pytest.raises(CommandError, match=r"stays in the store: .* it was altered"):
            await archive.archive(context, name, "olivia")
    assert await whole_log(context) == before

    marked = archive._mark

    async def then_lost(*args: Any) -> None:
        await marked(*args)
        for file in files(context):
            file.unlink()

    with monkeypatch.context() as patched:
        patched.setattr(archive, "_mark", then_lost)
        with pytest.raises(CommandError, match=r"cannot be used: .* has no "):
            await archive.archive(context, name, "olivia")
    log = await whole_log(context)
    assert log[: len(before)] == before and (await incidents.load(context, name)).archived is None
    await archive.archive(context, name, "olivia")

    (file,) = files(context)
    sealed = bytearray(file.read_bytes())
    sealed[-1] ^= 1
    file.write_bytes(sealed)
    (broken,) = await archive.proved(context)
    assert broken.stream == f"incident:{name}" and "altered or cut short" in broken.reason
    assert proved(context).archived
    with pytest.raises(CommandError, match="altered or cut short"):
        await archive.restore(context, name, "olivia")
    sealed[-1] ^= 1
    file.write_bytes(sealed)
    assert (await archive.restore(context, name, "olivia")).archived is None


class Killed(BaseException):
    """The process ends here."""


class Doomed:
    """Stands for a store or a place that does ``left`` more things; then whoever asks is gone, before it or after."""

    left = 0

    def __init__(self, real: Any, verbs: tuple[str, ...]) -> None:
        self._real, self._verbs = real, verbs

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._real, name)
        if name not in self._verbs:
            return verb

        def counted(*args: Any) -> Any:
            Doomed.left -= 1
            if Doomed.left < 0:
                raise Killed(name)
            return verb(*args)

        return counted


@pytest.mark.parametrize("context", ["sqlite"], indirect=True)
async def test_killed_at_each_step_nothing_is_lost_and_nothing_is_there_twice(context: Context) -> None:
    name = await closed(context)
    before, real = await whole_log(context), SealedArchives(Folder(str(context.home / "archive")), Ring())
    doomed = replace(
        context,
        store=cast(Store, Doomed(context.store, ("commit",))),
        archives=lambda: cast(Archives, Doomed(real, ("put", "get", "remove"))),
    )
    context = replace(context, archives=lambda: real)
    whole = cast(SeenStore, context.store)
    steps, ways = list[str](), (archive.archive, archive.restore)
    for way in ways:
        for left in range(12):
            Doomed.left = left
            whole.all = cast(Store, Doomed(whole.all, ("cut", "put_back")))
            try:
                await way(doomed, name, "olivia")
                break
            except Killed as killed:
                steps.append(f"{way.__name__}: {killed}")
            finally:
                whole.all = whole.all._real  # type: ignore[attr-defined]
            proved(context)
            await way(context, name, "olivia")  # the same again ends it
            proved(context)
            assert await archive.proved(context) == []
            other = ways[1 - ways.index(way)]
            await other(context, name, "olivia")
            proved(context)
    assert {s.partition(": ")[2] for s in steps} == {"put", "get", "commit", "cut", "put_back", "remove"}, steps
    assert [row for row in await whole_log(context) if row in before] == before
    assert files(context) == []


@pytest.mark.parametrize("context", ["sqlite"], indirect=True)
async def test_a_private_one_stays_private(context: Context) -> None:
    name = await closed(context, private=True)
    await archive.archive(context, name, "olivia")
    with seen_as("mallory"):
        with pytest.raises(CommandError, match="no incident"):
            await archive.opened(context, name)
        assert await archive.listed(context) == []
    with seen_as("olivia"):
        assert [one.id for one in await archive.listed(context)] == [name]


@pytest.mark.parametrize("context", ["sqlite"], indirect=True)
async def test_forged_marks_and_missing_events_are_breaks(context: Context, tmp_path: Path) -> None:
    name = await closed(context)
    await archive.archive(context, name, "olivia")
    await context.close()
    with sqlite3.connect(tmp_path / ".hutch" / "hutch.db") as file:
        file.execute("DELETE FROM events WHERE stream = ?", [f"incident:{name}"])
    found = proof(place_of(context.config, tmp_path))
    assert [b.stream for b in found] == ["*"] and "lie in archives" in found.breaks[0].reason


def hutch(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, list(words))
    return done.exit_code, done.output


@pytest.mark.parametrize("context", ["sqlite"], indirect=True)
async def test_the_commands(context: Context) -> None:
    name = await closed(context)
    await context.close()
    code, said = await _call("archive", "run", name)
    assert code == 0 and f"{name}: " in said and "events lie in" in said
    code, said = await _call("verify", "--archives")
    assert code == 0 and "every chain is intact; " in said and "so is every archive" in said
    code, said = await _call("archive", "list", "--json")
    assert [row["id"] for row in json.loads(said)] == [name]
    code, said = await _call("archive", "show", name)
    assert code == 0 and f"olivia noted: {PERSON} called" in said
    code, said = await _call("incident", "list", "--all")
    assert "archived in " in said
    code, said = await _call("report", "--since", "2020-01-01")
    assert code == 0 and "not counted, since they lie in archives: 1 (" in said
    code, said = await _call("backup", "self", "--to", "copies")
    assert code == 0, said
    (copy,) = Path("copies").iterdir()
    code, said = await _call("verify", str(copy))
    assert code == 0 and "lie in archives" in said
    assert [p.name for p in (copy / "archive").rglob("*") if p.is_file()] == [p.name for p in files(context)]
    code, said = await _call("archive", "restore", name)
    assert code == 0 and f"{name} is back in the store" in said
    assert (await _call("verify"))[1] == "every chain is intact\n"


async def _call(*words: str) -> tuple[int, str]:
    return await asyncio.to_thread(hutch, *words)


@pytest.mark.parametrize("context", ["sqlite"], indirect=True)
async def test_what_is_due_is_archived_by_itself(context: Context) -> None:
    name = await closed(context)
    context.clock.advance(timedelta(days=31).total_seconds())  # type: ignore[attr-defined]
    await Archiving(context).look()
    assert (await incidents.load(context, name)).archived


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


async def test_in_a_bucket_too_with_evidence_beside_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("ARCHIVE_KEY", KEY)
    monkeypatch.setenv("ID", "testing-key-id")
    monkeypatch.setenv("SECRET", "testing-secret")
    region = "eu-central-1"
    client: Any = boto3.client(
        "s3", region_name=region, endpoint_url=endpoint, aws_access_key_id="x", aws_secret_access_key="x"
    )
    client.create_bucket(Bucket="acme", CreateBucketConfiguration={"LocationConstraint": region})
    how = {
        "key": {"env": "ARCHIVE_KEY"}, "endpoint": endpoint, "region": region, "access_key_id": {"env": "ID"},
        "secret_access_key": {"env": "SECRET"},
    }  # fmt: skip
    places = {block: {"to": f"s3://acme/{block[0]}", **how} for block in ("archive", "evidence")}
    config = {"services": {"shop": {}}, **places}
    (tmp_path / "hutch.yaml").write_text(json.dumps(config), encoding="utf-8")
    context = open_context(tmp_path / "hutch.yaml", FakeClock())

    def kept() -> list[str]:
        return [one["Key"] for one in client.list_objects_v2(Bucket="acme").get("Contents", ())]

    name = await closed(context)
    state, _ = await evidence.attach(context, name, "a.log", PERSON.encode(), "", "olivia")
    await archive.archive(context, name, "olivia")
    bodies = [client.get_object(Bucket="acme", Key=key)["Body"].read() for key in kept()]
    assert len(bodies) == 2 and not any(PERSON.encode() in body for body in bodies)
    assert await archive.proved(context) == []
    await archive.restore(context, name, "olivia")
    assert [key.partition("/")[0] for key in kept()] == ["e"]
    seq = state.record.files[-1].seq
    assert await evidence.content(context, name, seq) == ("a.log", PERSON.encode())
    await evidence.erase_file(context, name, seq, "asked to", "olivia")
    assert kept() == []
    await context.close()
