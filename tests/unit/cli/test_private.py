"""A private incident: whoever is not named finds it nowhere, by any command."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hutch.bootstrap.wire import open_context
from hutch.cli.main import cli
from hutch.commands import incidents, messages, paging, pins, private, runs, todo
from hutch.commands.context import CommandError, Context
from hutch.commands.report import made
from hutch.commands.seen import seen_as
from hutch.model.event import Draft
from hutch.model.message import Audience, fold
from hutch.model.program import Program
from hutch.model.severity import Severity
from hutch.ports import Append

WORD = "Zebrafinch"
"""Stands in everything that the private incident holds, and nowhere else."""

CONFIG = """
services: {shop: {http: {url: 'http://127.0.0.1:9'}}}
notify:
  channels:
    everyone: {kind: webhook, url: 'http://127.0.0.1:9/', audience: responders}
    anna-phone: {kind: webhook, url: 'http://127.0.0.1:9/', audience: responders}
    ben-phone: {kind: webhook, url: 'http://127.0.0.1:9/', audience: responders}
people:
  anna: {channels: [anna-phone]}
  ben: {channels: [ben-phone]}
escalation:
  SEV-2: {steps: [{after: 0m, page: [ben]}]}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "hutch.yaml"
    found.write_text(CONFIG)
    return found


@pytest.fixture
def secret(path: Path) -> str:
    """A private incident, and an open one that is like it; both resolved and with everything that lists show."""
    return asyncio.run(_made(path))


async def _made(path: Path) -> str:
    context = open_context(path)
    try:
        return await _filled(context)
    finally:
        await context.close()


async def _filled(context: Context) -> str:
    for only, word in (((), "plain"), (("anna", "olivia"), WORD)):
        state = await incidents.declare(
            context, title=f"{word} broke", service="shop", severity=Severity.SEV2, actor="olivia",
            private=bool(only), only=only,
            summary=word,
        )  # fmt: skip
        fired = Draft("alert.fired", {"key": word, "rule": "High Error Rate"})
        await context.store.commit([Append(state.stream, (fired,))])
        await runs.start(
            context, service="shop", title=word, made_from=runs.MadeFrom(), program=Program(), incident=state.id,
            run_id=f"R-{word}",
        )  # fmt: skip
        await incidents.note(context, state.id, word, "olivia")
        due = context.clock.now().replace(year=context.clock.now().year + 1)
        await todo.add(context, state.id, todo.Wanted(f"bound {word}", "anna", due, ""), "olivia")
        await pins.pin(context, state.id, f"{state.stream}#1", "olivia")
    await incidents.resolve(context, state.id, f"{word} mended", "olivia")
    review = {"text": f"the {WORD} review", "sha256": "", "gaps": 0}
    await context.store.commit([Append(state.stream, (Draft("review.published", review, "olivia"),))])
    return state.id


def commands() -> Iterator[tuple[str, ...]]:
    """Every command that only reads and whose arguments can be made of an incident's id, or that needs none."""
    context = click.Context(cli)
    for name in cli.list_commands(context):
        found = cli.get_command(context, name)
        assert found is not None
        subs = found.commands.items() if isinstance(found, click.Group) else [("", found)]
        for sub, command in subs:
            yield from _call(tuple(w for w in (name, sub) if w), command)


NOT_CALLED = {"demo", "serve", "worker", "init", "drill", "store", "migrate", "recover", "backup", "probe", "diagnose"}
"""Those that start something, or look at targets: they print no incident."""

TEXTS = {"incident_id": "{id}", "item_id": "{id}/1", "words": WORD, "who": "mallory", "title": "x", "text": "x",
         "severity": "SEV-1", "resolution": "x", "event": "1", "run_id": f"R-{WORD}"}  # fmt: skip


def _call(words: tuple[str, ...], command: click.Command) -> Iterator[tuple[str, ...]]:
    needed = [p for p in command.params if isinstance(p, click.Argument) and p.required]
    if words[0] in NOT_CALLED or words == ("incident", "declare") or any(p.name not in TEXTS for p in needed):
        return
    options = [p for p in command.params if isinstance(p, click.Option) and p.required]
    given = [w for p in options for w in (p.opts[-1], "1h" if p.name == "due" else "because")]
    call = (*words, *(TEXTS[str(p.name)] for p in needed), *given)
    known = {o for p in command.params for o in p.opts}
    yield (*call, *(o for o in ("--all", "--json") if o in known))
    if words in (("incident", "show"), ("incident", "list"), ("report",), ("todo", "list"), ("runs", "list")):
        yield call


def test_no_command_tells_of_it(path: Path, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = list(dict.fromkeys(commands()))
    heads = {call[:2] for call in calls}
    for wanted in (("incident", "list"), ("incident", "show"), ("incident", "timeline"), ("incident", "export"),
                   ("incident", "similar"), ("todo", "list"), ("review", "search"), ("report",), ("runs", "list"),
                   ("runs", "show"), ("incident", "resolve"), ("incident", "public"), ("alert", "list")):  # fmt: skip
        assert wanted in heads or wanted in {head[:1] for head in heads}, wanted
    for call in calls:
        said = _say(path, call, secret, "mallory", monkeypatch)
        assert WORD not in said.replace(f"R-{WORD}", "").replace(f"every word: {WORD}", ""), call
    after = asyncio.run(_titles(path))
    assert after[secret] == "SEV-2", "nothing was done to it"


def test_whoever_is_named_sees_it(path: Path, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for call in (("incident", "list", "--all"), ("incident", "show", "{id}"), ("incident", "timeline", "{id}"),
                 ("todo", "list"), ("review", "search", WORD), ("incident", "export", "{id}")):  # fmt: skip
        assert WORD in _say(path, call, secret, "anna", monkeypatch), call


def _say(path: Path, call: tuple[str, ...], secret: str, who: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HUTCH_ACTOR", who)
    words = ["--config", str(path), *(w.replace("{id}", secret) for w in call)]
    done = CliRunner().invoke(cli, words)
    return f"{done.output}\n{done.exception or ''}"


async def _titles(path: Path) -> dict[str, str]:
    context = open_context(path)
    try:
        return {state.id: state.severity.label for state in await incidents.listing(context)}
    finally:
        await context.close()


async def test_messages_and_pages_go_only_to_those_named(path: Path) -> None:
    context = open_context(path)
    try:
        state = await incidents.declare(
            context, title=WORD, service="shop", severity=Severity.SEV2, actor="olivia", private=True, only=("anna",)
        )
        await paging.attend(context, state.id)
        sent = fold(await context.store.read(state.stream)).values()
        assert {s.message.channel for s in sent} == {"anna-phone"}, "ben is on call, and may not see it"
        assert all(WORD not in s.message.title + s.message.body for s in sent)
        assert messages.channels(context, Audience.RESPONDERS, exercise=False)
    finally:
        await context.close()


async def test_the_report_counts_it_and_does_not_name_it(path: Path, secret: str) -> None:
    context = open_context(path)
    try:
        now = context.clock.now()
        with seen_as("mallory"):
            found = await made(context, now - timedelta(hours=1), now + timedelta(hours=1))
        assert len(found.incidents) == 2 and found.by_severity == {"SEV-2": 2}
        assert WORD not in repr(found.incidents) and secret not in repr(found)
    finally:
        await context.close()


async def test_it_is_made_private_and_public_again_with_a_reason(path: Path) -> None:
    context = open_context(path)
    try:
        state = await incidents.declare(context, title="t", service="shop", severity=Severity.SEV3)
        await private.make_private(context, state.id, ["anna"], "olivia")
        with seen_as("ben"), pytest.raises(CommandError, match="no incident"):
            await private.make_public(context, state.id, "over", "ben")
        with seen_as("anna"):
            with pytest.raises(CommandError, match="say why"):
                await private.make_public(context, state.id, " ", "anna")
            await private.make_public(context, state.id, "it is over", "anna")
        with seen_as("ben"):
            assert not (await incidents.load(context, state.id)).record.private
    finally:
        await context.close()


def test_the_commands_say_what_they_did(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("incident", "declare", WORD, "--severity", "SEV-3", "--private", "--only", "anna", "--json")
    told = json.loads(_say(path, words, "", "olivia", monkeypatch))
    assert told["private"] and told["only"] == ["olivia", "anna"]
    assert "private: seen only by olivia, anna" in _say(
        path, ("incident", "show", told["id"]), "", "olivia", monkeypatch
    )
    public = ("incident", "public", told["id"], "--reason", "over", "--json")
    assert not json.loads(_say(path, public, "", "anna", monkeypatch))["private"]
    assert "goes with --private" in _say(path, (*words[:5], "--only", "anna"), "", "olivia", monkeypatch)
