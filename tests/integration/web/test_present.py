"""What the pages show, from events alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hutch.model import incident
from hutch.model.action import Command
from hutch.model.clock import Clock
from hutch.model.effect import Effect
from hutch.model.event import Draft, Event
from hutch.model.journal import fold
from hutch.model.program import Item, Option, Program
from hutch.model.run import Run
from hutch.ports import Append
from hutch.testing import FakeClock, MemoryStore
from hutch.web.people import system_user
from hutch.web.present import incident as show_incident
from hutch.web.present import run as show
from hutch.web.present import steps, words

NOW = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
LOOK = Item("look", "Look", 1, Command("sql", "select 1", "db", Effect.READ))
BACK = Item("back", "Back", 2, Command("deploy.rollback", "deploy.rollback(to: 42)", "platform", Effect.CHANGE))
WIPE = Item("wipe", "Wipe", 3, Command("sql", "truncate x", "db", Effect.DESTROY))
OPTIONS = (Option("o1", "Roll back", (BACK,), 1), Option("o2", "Wipe", (WIPE,), 2))
STARTED = {"service": "shop", "title": "t", "document": "d", "hash": "", "incident": ""}


def offer(option: Option) -> Draft:
    preview = {"summary": "two", "hits": 2, "items": ["a", "b"], "undo": "go forward", "refused": ""}
    expires = "2026-01-15T11:00:00.000000Z"
    data = {"option": option.as_dict(), "digest": option.digest(), "target": "x", "preview": preview}
    return Draft("approval.requested", {**data, "expires_at": expires})


async def told(*drafts: Draft, mode: str = "act") -> tuple[Run, list[Event]]:
    store = MemoryStore(FakeClock(NOW))
    program = Program(reads=(LOOK,), options=OPTIONS).as_dict()
    first = Draft("run.started", {**STARTED, "mode": mode, "program": program})
    await store.commit([Append("run:R1", (first, *drafts))])
    journal = await store.read("run:R1")
    run = fold(journal)
    assert run
    return run, journal


def piece(item: str, text: str) -> Draft:
    return Draft("statement.output", {"item": item, "text": text})


async def test_a_read_waits_runs_speaks_and_ends() -> None:
    begun = Draft("statement.started", {"item": "look", "title": "Look", "text": "select 1"})
    ended = Draft("statement.finished", {"item": "look", "status": "passed", "summary": "1 row", "output": "whole",
                                         "seconds": 0.25})  # fmt: skip
    said: list[tuple[str, str]] = []
    for drafts in (
        [],
        [begun],
        [begun, piece("look", "a\n"), piece("look", "b\n")],
        [begun, piece("look", "a"), ended],
    ):
        (step,) = steps.reads(*await told(*drafts), NOW)
        said.append((step.status, step.output))
    assert said == [("waiting", ""), ("running", ""), ("running", "a\nb\n"), ("passed", "whole")]
    assert (step.took, step.summary) == ("250 ms", "1 row")


async def test_a_change_speaks_while_it_runs_and_keeps_what_it_said() -> None:
    place = {"option": "o1", "item": "back"}
    begun = Draft("change.intended", {**place, "runner": "deploy.rollback"})
    drafts = [offer(OPTIONS[0]), Draft("approval.granted", {"option": "o1"}, "olivia"), begun, piece("back", "going\n")]
    (step,) = steps.changes(*await told(*drafts), NOW)
    assert (step.title, step.status, step.output) == ("Roll back", "running", "going\n")
    failed = Draft("change.failed", {**place, "summary": "no", "output": "", "seconds": 2.0})
    (step,) = steps.changes(*await told(*drafts, failed), NOW)
    assert (step.status, step.output, step.took) == ("failed", "going", "2.0 s")


async def test_the_first_that_waits_stands_open_until_one_is_under_way() -> None:
    drafts = [offer(OPTIONS[0]), offer(OPTIONS[1]), Draft("options.ranked", {"options": []})]
    first, second = show.view(*await told(*drafts), NOW, "").remedies
    assert (first.open, second.open, first.blocked, second.destroys) == (True, False, "", True)
    drafts.append(Draft("approval.granted", {"option": "o2"}, "olivia"))
    first, second = show.view(*await told(*drafts), NOW, "").remedies
    assert (first.open, second.open, second.approved_by) == (False, True, "olivia")
    drafts.append(Draft("approval.withdrawn", {"option": "o1", "reason": "over"}))
    assert show.view(*await told(*drafts), NOW, "").remedies[0].word == "no longer offered"


@pytest.mark.parametrize(
    ("mode", "hours", "frozen", "words_"),
    [
        ("observe", 0, "", "observe mode"),
        ("act", 0, "a look", "Changes are stopped: a look"),
        ("act", 2, "", "time to approve it is over"),
        ("act", 0, "", ""),
    ],
)
async def test_why_it_cannot_be_approved(mode: str, hours: int, frozen: str, words_: str) -> None:
    run, journal = await told(offer(OPTIONS[0]), mode=mode)
    (remedy,) = show.view(run, journal, NOW + timedelta(hours=hours), frozen).remedies
    assert words_ in remedy.blocked and bool(words_) == bool(remedy.blocked)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("\x1b[31mred\x1b[0m\r\nnext", "red\nnext"),
        ("safe\u202egnp.exe", "safe\ufffdgnp.exe"),
        ("a\u200bb\x00", "a\ufffdb\ufffd"),
        ("tab\tstays", "tab\tstays"),
        ("\x1b]0;title\x07x", "x"),
    ],
)
def test_nothing_hides_in_a_block(given: str, shown: str) -> None:
    assert words.block(given) == shown


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (89, "89 s"), (90, "1 min"), (5400, "1 h 30 min"), (180000, "2 d 2 h")],
)
def test_spans(seconds: float, said: str) -> None:
    assert words.span(seconds) == said
    assert words.distance(NOW + timedelta(seconds=seconds + 1), NOW).startswith("in ")
    assert words.distance(NOW - timedelta(seconds=seconds), NOW).endswith(" ago")


def test_another_day_is_said() -> None:
    assert words.moment(NOW, NOW).clock == "10:00:00"
    assert words.moment(NOW - timedelta(days=1), NOW).clock == "14 Jan 10:00"


def test_the_default_name_is_that_of_who_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUTCH_ACTOR", "olivia")
    assert system_user() == "olivia"


async def test_of_many_promises_the_most_urgent_and_the_latest_are_named() -> None:
    """However long an incident lasts; the timeline tells the others."""
    store = MemoryStore(FakeClock(NOW))
    data = {"title": "t", "service": "s", "severity": "SEV-1", "detected_at": "2026-01-15T10:00:00Z"}
    state = incident.fold(await store.commit([Append("incident:INC-2026-001", (Draft("incident.declared", data),))]))
    assert state
    hour = timedelta(hours=1)
    owed = [Clock("update", n, NOW, NOW + n * hour) for n in range(100, 120)]
    met = [Clock("update", n, NOW, NOW + n * hour).met(NOW) for n in range(1, 100)]
    found = show_incident.view(replace(state, clocks=(*reversed(owed), *met)), NOW)
    assert [p.due.iso for p in found.promises] == [c.due.isoformat() for c in (*owed[:12], *met[-8:])]
    assert found.promises_left == 119 - 20


async def test_how_many_people_are_asked_is_said() -> None:
    two = replace(offer(OPTIONS[0]), data={**offer(OPTIONS[0]).data, "approvers": 2, "by": ["olivia", "peter"]})
    (remedy,) = show.view(*await told(two), NOW, "").remedies
    assert remedy.asked == "2 people of olivia, peter"
    (remedy,) = show.view(*await told(two, Draft("approval.granted", {"option": "o1"}, "olivia")), NOW, "").remedies
    assert (remedy.asked, remedy.offered) == ("2 people of olivia, peter; approved by olivia", True)
    assert show.view(*await told(offer(OPTIONS[0])), NOW, "").remedies[0].asked == ""
