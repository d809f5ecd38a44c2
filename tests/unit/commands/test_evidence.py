"""Evidence is kept by what it holds, and what must go goes, in a real store: the chain proves the rest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from hutch.bootstrap.wire import open_context
from hutch.cli.main import cli
from hutch.commands import evidence, incidents, past, reviews, updates
from hutch.commands.context import CommandError, Context
from hutch.model.bundle import read
from hutch.model.erasure import rest_of
from hutch.model.event import Draft
from hutch.model.incident import Incident
from hutch.model.message import Audience
from hutch.model.severity import Severity
from hutch.ports import Append

PERSON = "Wilhelmina Zauberfrau"
"""Stands in what is to be erased."""


@pytest.fixture
async def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Context]:
    monkeypatch.setenv("HUTCH_TEST_SECRET", "postgresql://a:hunter2-and-more@127.0.0.1:9/x")
    path = tmp_path / "hutch.yaml"
    path.write_text(
        "services: {shop: {postgres: {url: {env: HUTCH_TEST_SECRET}}}}\nevidence_kept: 1000000\n", encoding="utf-8"
    )
    found = open_context(path)
    yield found
    await found.close()


async def declared(context: Context, title: str = "t") -> Incident:
    return await incidents.declare(context, title=title, service="shop", severity=Severity.SEV2, actor="olivia")


async def test_evidence_is_kept_by_its_content_and_typed_by_it(context: Context, tmp_path: Path) -> None:
    state = await declared(context)
    state, _ = await evidence.attach(context, state.id, "shot.txt", b"\x89PNG\r\n\x1a\nrest", "the page", "olivia")
    (file,) = state.record.files
    assert file.kind == "image/png" and file.sha256 == hashlib.sha256(b"\x89PNG\r\n\x1a\nrest").hexdigest()
    assert await evidence.content(context, state.id, file.seq) == ("shot.txt", b"\x89PNG\r\n\x1a\nrest")
    kept = tmp_path / ".hutch" / "evidence" / file.sha256[:2] / file.sha256
    assert kept.stat().st_mode & 0o77 == 0
    kept.write_bytes(b"something else")
    with pytest.raises(CommandError, match="not what it was"):
        await evidence.content(context, state.id, file.seq)


async def test_known_secrets_are_masked_and_others_warned_of(context: Context) -> None:
    state = await declared(context)
    pasted = b"url hunter2-and-more\nmail anna@example.com\n"
    state, found = await evidence.attach(context, state.id, "pasted.txt", pasted, "", "olivia")
    _, data = await evidence.content(context, state.id, state.record.files[0].seq)
    assert b"hunter2" not in data and "a mail address" in found and "a masked secret" in found


async def test_what_is_too_large_is_one_clear_error_and_is_not_read(context: Context, tmp_path: Path) -> None:
    state = await declared(context)
    large = tmp_path / "dump.bin"
    with large.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    with pytest.raises(CommandError, match="has 104857600 bytes, more than the 1000000 that evidence_kept allows"):
        evidence.read(context, large)
    with pytest.raises(CommandError, match="evidence has 1 to 1000000"):
        await evidence.attach(context, state.id, "nothing", b"", "", "olivia")
    assert not (await incidents.load(context, state.id)).record.files


async def test_a_bundle_holds_it_and_proves_it(context: Context) -> None:
    state = await declared(context)
    await evidence.attach(context, state.id, "log.txt", b"what was said", "", "olivia")
    lines = list(await reviews.bundle(context, state.id))
    whole = read(lines)
    assert whole.breaks() == [] and list((whole.files or {}).values()) == [b"what was said"]
    assert [b.reason for b in read(lines[:-1]).breaks()] == ["the evidence that it attached is not in the bundle"]
    forged = lines[-1].replace('"base64":"d2hh', '"base64":"d3hh')
    assert [b.reason for b in read([*lines[:-1], forged]).breaks()] == ["the evidence that it attached was altered"]


async def test_an_erased_event_is_gone_everywhere_and_the_rest_is_proved(context: Context, tmp_path: Path) -> None:
    state = await declared(context, f"{PERSON} cannot log in")
    await incidents.note(context, state.id, f"{PERSON} rang", "olivia")
    await context.store.commit(
        [Append(state.stream, (Draft("review.published", {"text": f"{PERSON} said", "sha256": "", "gaps": 0}),))]
    )
    events = {e.kind: e.seq for e in await context.store.read(state.stream)}
    for kind in ("incident.declared", "note.added", "review.published"):
        state = await evidence.erase_fields(context, state.id, events[kind], [], "asked under GDPR Art. 17", "anna")
    assert (state.title, state.severity, state.service) == ("(erased)", Severity.SEV2, "shop")
    assert [c.name for c in state.clocks] == ["response", "update"], "its state stays"
    shown = [
        *(e.text for e in await reviews.timeline_of(context, state.id)),
        *await reviews.bundle(context, state.id),
        await reviews.draft_review(context, state.id),
        (await updates.preview(context, state.id, Audience.STAKEHOLDERS)).text,
        repr(await past.search(context, "Wilhelmina")),
    ]
    assert PERSON not in "\n".join(shown) and "Wilhelmina" not in "\n".join(shown)
    assert any("asked under GDPR Art. 17" in text for text in shown)
    for file in (tmp_path / ".hutch").glob("hutch.db*"):
        assert PERSON.encode() not in file.read_bytes(), f"{file.name} still holds it"


async def test_fields_are_erased_one_by_one_and_what_the_state_is_made_of_stays(context: Context) -> None:
    state = await declared(context, PERSON)
    for fields, error in (
        (["severity"], "severity is what the incident's state is made of"),
        (["no"], "no field 'no'"),
    ):
        with pytest.raises(CommandError, match=error):
            await evidence.erase_fields(context, state.id, 1, fields, "why", "anna")
    with pytest.raises(CommandError, match="say why"):
        await evidence.erase_fields(context, state.id, 1, ["title"], " ", "anna")
    await incidents.note(context, state.id, PERSON, "olivia")
    assert await evidence.also_in(context, state.id, 1, ["title"]), "the same words stand in a note"
    await evidence.erase_fields(context, state.id, 1, ["title"], "why", "anna")
    with pytest.raises(CommandError, match="erased already"):
        await evidence.erase_fields(context, state.id, 1, ["title"], "why", "anna")


async def test_an_erasure_that_was_cut_off_is_done_when_it_is_asked_for_again(context: Context) -> None:
    state = await declared(context, PERSON)
    rest = rest_of((await context.store.read(state.stream))[0].data, ["title"])
    told = {"event": 1, "kind": "incident.declared", "fields": ["title"], "reason": "why", "rest": rest}
    await context.store.commit([Append(state.stream, (Draft("event.erased", told, "anna"),))])
    await evidence.erase_fields(context, state.id, 1, ["title"], "why", "anna")
    events = await context.store.read(state.stream)
    assert events[0].data == {"erased": True} and sum(e.kind == "event.erased" for e in events) == 1


def test_verify_says_what_was_erased_by_whom_and_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUTCH_ACTOR", "anna")
    Path("hutch.yaml").write_text("services: {shop: {}}\n", encoding="utf-8")
    Path("log.txt").write_text(f"{PERSON} at 10.0.0.9\n", encoding="utf-8")

    def hutch(*words: str) -> str:
        done = CliRunner().invoke(cli, list(words))
        assert done.exit_code == 0, (words, done.output, done.exception)
        return done.output

    name = json.loads(hutch("incident", "declare", PERSON, "--severity", "SEV-3", "--json"))["id"]
    hutch("incident", "attach", name, "log.txt", "--note", "the log")
    file = json.loads(hutch("incident", "show", name, "--json"))["files"][0]
    hutch("incident", "evidence", name, str(file["event"]), "--out", "copy.txt")
    assert PERSON in Path("copy.txt").read_text(encoding="utf-8")
    hutch("incident", "erase", name, "--event", "1", "--field", "title", "--reason", "asked for")
    hutch("incident", "erase", name, "--attachment", str(file["event"]), "--reason", "not ours")
    hutch("incident", "export", name, "--format", "bundle", "--out", "bundle.jsonl")
    assert PERSON not in Path("bundle.jsonl").read_text(encoding="utf-8")
    assert not list(Path(".hutch/evidence").glob("*/*"))
    for words in (("verify",), ("verify", "bundle.jsonl")):
        said = hutch(*words)
        assert "every chain is intact" in said
        assert "Erased by anna: event 1 (title): asked for" in said
        assert f"Erased by anna: evidence {file['sha256'][:12]}: not ours" in said


@asynccontextmanager
async def servers(tmp_path: Path, more: str) -> AsyncIterator[tuple[Context, Context]]:
    """Two machines on one database, each with a folder of its own."""
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "hutch.yaml").write_text(f"services: {{shop: {{}}}}\n{more}", encoding="utf-8")
        found.append(open_context(tmp_path / name / "hutch.yaml"))
    yield found[0], found[1]
    for one in found:
        await one.close()


async def test_another_server_has_it_or_says_who_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setenv("HUTCH_DATABASE_URL", database_url)
    monkeypatch.setenv("EVIDENCE_KEY", "00112233445566778899aabbccddeeff" * 2)
    text = f"{PERSON} said so\n".encode() * 50_000
    async with servers(tmp_path, "") as (one, two):
        state = await declared(one)
        state, _ = await evidence.attach(one, state.id, "a.log", b"before", "", "olivia")
        (before,) = state.record.files
        with pytest.raises(CommandError, match=r"is not here: it was put into .*/one/.* on .*evidence\.to"):
            await evidence.content(two, state.id, before.seq)
    for name in ("one", "two"):
        (tmp_path / name / "hutch.yaml").unlink()
        (tmp_path / name).rename(tmp_path / f"was-{name}")
    async with servers(tmp_path, "evidence: {to: store, key: {env: EVIDENCE_KEY}}\n") as (one, two):
        (tmp_path / "was-one" / ".hutch" / "evidence").rename(tmp_path / "one" / ".hutch" / "evidence")
        state, _ = await evidence.attach(one, state.id, "b.log", text, "", "olivia")
        file = state.record.files[-1]
        assert await evidence.content(two, state.id, file.seq) == ("b.log", text)
        assert await evidence.content(one, state.id, before.seq) == ("a.log", b"before")
        lines = "\n".join(await reviews.bundle(two, state.id))
        assert read(lines.splitlines()).files == {file.sha256: text}
        with psycopg.connect(database_url) as connection:
            rows = connection.execute("SELECT name, data FROM hutch_samples.files ORDER BY number").fetchall()
            assert len(rows) == 2 and not any(PERSON.encode() in data for _, data in rows)
            connection.execute("UPDATE hutch_samples.files SET data = data || 'x'::bytea WHERE number = 0")
        with pytest.raises(CommandError, match=r"cannot be read: .*altered or cut short"):
            await evidence.content(two, state.id, file.seq)
        await evidence.erase_file(two, state.id, file.seq, "asked to", "olivia")
        with pytest.raises(CommandError, match="was erased"):
            await evidence.content(one, state.id, file.seq)
        with psycopg.connect(database_url) as connection:
            assert connection.execute("SELECT count(*) FROM hutch_samples.files").fetchone() == (0,)


def test_the_database_as_a_place_needs_one(tmp_path: Path) -> None:
    (tmp_path / "hutch.yaml").write_text("services: {shop: {}}\nevidence: {to: store}\n", encoding="utf-8")
    with pytest.raises(CommandError, match=r"evidence\.to: the store is a file of this machine"):
        open_context(tmp_path / "hutch.yaml")
