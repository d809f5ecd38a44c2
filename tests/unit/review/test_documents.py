"""The documents that are written from an incident's log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hutch.model import incident
from hutch.model.action import Command
from hutch.model.bundle import read
from hutch.model.effect import Effect
from hutch.model.event import GENESIS, Draft, Event, instant, seal
from hutch.model.journal import KINDS
from hutch.model.program import Item, Option, Program
from hutch.review.postincident import draft_review
from hutch.review.sentences import SENTENCES
from hutch.review.timeline import timeline
from hutch.review.update import draft_update
from hutch.review.wording import escape, length

START = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
SECRET_PARTS = ("4711", "10.0.0.7", "SELECT", "rolerabbit_app", "olivia")


def log(stream: str, *told: tuple[float, str, Mapping[str, object], str]) -> list[Event]:
    """A chain of (minutes after the start, kind, data, actor)."""
    events: list[Event] = []
    for minutes, kind, data, actor in told:
        before = events[-1].hash if events else GENESIS
        at = START + timedelta(minutes=minutes)
        draft = Draft(kind, data, actor)
        events.append(seal(draft, stream=stream, seq=len(events) + 1, at=at, salt="s", prev_hash=before))
    return events


def own(title: str = "High Error Rate on rolerabbit", *, resolved: bool = True, late: float = 0.0) -> list[Event]:
    cause = {
        "code": "postgres.connection_leak",
        "object": {"kind": "role", "id": "rolerabbit_app", "pids": [4711], "release": "43"},
        "confidence": 0.9,
        "summary": "sessions of rolerabbit_app at 10.0.0.7 do nothing",
        "evidence": ["pid 4711: SELECT 1"],
    }
    at = instant(START)
    due = instant(START + timedelta(minutes=5))
    told = [
        (
            0.0,
            "incident.declared",
            {"title": title, "service": "shop", "severity": "SEV-1", "detected_at": at},
            "hutch",
        ),
        (0.0, "clock.started", {"clock": "response", "number": 1, "start": at, "due": due, "why": "x"}, "hutch"),
        (5.0, "incident.acknowledged", {}, "olivia"),
        (5.0, "clock.met", {"clock": "response-1", "late_by": late}, "hutch"),
        (10.0, "cause.named", cause, "hutch"),
    ]
    if resolved:
        told.append((45.0, "incident.resolved", {"resolution": "rolled back", "by": "olivia"}, "olivia"))
    return log("incident:INC-2026-001", *told)


def journal() -> list[Event]:
    command = Command("deploy.rollback", "deploy.rollback(to: 42)", "10.0.0.7", Effect.CHANGE)
    option = Option("o1", "Option 1: Roll back", (Item("i1", "x", 1, command),))
    started = {
        "service": "shop", "title": "t", "document": "d", "hash": "h", "incident": "INC-2026-001", "mode": "act",
        "program": Program(options=(option,)).as_dict(),
    }  # fmt: skip
    return log(
        "run:R1",
        (1.0, "run.started", started, "hutch"),
        (11.0, "approval.granted", {"option": "o1", "digest": "x"}, "olivia"),
        (29.0, "change.intended", {"option": "o1", "item": "i1", "command": command.as_dict()}, "hutch"),
        (30.0, "change.done", {"option": "o1", "item": "i1", "summary": "done", "seconds": 1.0}, "hutch"),
        (44.0, "verification.done", {"option": "o1", "verdict": "passed", "summary": "all well"}, "hutch"),
    )


def test_every_kind_of_event_has_a_sentence() -> None:
    assert set(SENTENCES) >= (incident.KINDS | KINDS)


def test_the_update_has_the_form_of_the_template_with_real_times() -> None:
    text = draft_update(own(), [journal()])
    assert text.startswith("[RESOLVED] Service Outage - January 15, 2026\n\nImpact: Our service was not available")
    for line in ("10:00 UTC - Disruption detected", "10:10 UTC - Root cause identified", "10:30 UTC - Fix applied"):
        assert line in text
    assert "10:45 UTC - Service fully restored" in text
    assert "Resolution: We went back to the previous version of our service" in text
    assert text.rstrip().endswith("A detailed post-mortem will be shared within 48 hours.")


def test_the_update_tells_nothing_internal_and_invents_nothing() -> None:
    text = draft_update(own(), [journal()])
    assert not [part for part in SECRET_PARTS if part in text]
    assert "Affected: [Which users, and what they noticed]" in text


@pytest.mark.parametrize(
    ("events", "journals", "state"),
    [
        (own(resolved=False)[:4], [], "INVESTIGATING"),
        (own(resolved=False), [], "IDENTIFIED"),
        (own(resolved=False), [journal()], "MONITORING"),
        (own(), [journal()], "RESOLVED"),
    ],
)
def test_the_update_says_how_far_it_is(events: list[Event], journals: list[list[Event]], state: str) -> None:
    assert draft_update(events, journals).startswith(f"[{state}]")


def test_the_review_has_every_section_with_facts_and_their_sources() -> None:
    text = draft_review(own(), [journal()])
    sections = re.findall(r"^## (.*)$", text, re.M)
    assert sections == [
        "Summary", "Impact", "Timeline", "Root Cause", "Resolution", "What Went Well", "What Didn't Go Well",
        "Action Items", "Lessons Learned",
    ]  # fmt: skip
    assert "**Duration:** 45 minutes" in text
    assert "- Option 1: Roll back (`deploy.rollback`) at 10:30:00 UTC, approved by olivia (run:R1#4)" in text
    assert "Promise kept in time: response-1" in text
    assert "`postgres.connection_leak`" in text and "(incident:INC-2026-001#5)" in text


DATA = Path(__file__).resolve().parents[2] / "data"


def test_the_review_of_the_demo_is_word_for_word_what_it_was() -> None:
    """From the demo's own log, as it was recorded: ``tools/recording.py`` renews both files."""
    recording = read((DATA / "demo-of-a-leak.jsonl").read_text(encoding="utf-8").splitlines())
    own, *journals = recording.streams.values()
    assert draft_review(own, journals) == (DATA / "review-of-a-leak.md").read_text(encoding="utf-8")


def test_who_is_hit_stands_in_the_review_as_it_was_said_last() -> None:
    assert "- Users affected: [Number/percentage]\n" in draft_review(own())
    declared = dict(own()[0].data)
    told = log(
        "incident:INC-2026-003",
        (0.0, "incident.declared", declared, "hutch"),
        (1.0, "affected.changed", {"services": [], "users": "all of them", "share": 100.0}, "olivia"),
        (2.0, "affected.changed", {"services": ["cart"], "users": "[guests](x)", "share": 12.5}, "olivia"),
    )
    text = draft_review(told)
    assert f"- Users affected: {escape('[guests](x)')}, 12.5 %\n- Other services: cart\n" in text
    assert "[Number/percentage]" not in text


def test_the_largest_measured_share_of_users_stands_in_the_review() -> None:
    declared = dict(own()[0].data)

    def proposed(minutes: float, severity: str, **figures: float) -> tuple[float, str, dict[str, object], str]:
        return minutes, "severity.proposed", {"severity": severity, "criterion": "c", "figures": figures}, "hutch"

    told = [
        (0.0, "incident.declared", declared, "hutch"),
        proposed(1.0, "SEV-3", users_affected=12.0, error_rate=3.0),
        proposed(2.0, "SEV-2", users_affected=62.34567),
        proposed(3.0, "SEV-2", users_affected=40.0),
        proposed(4.0, "SEV-1", error_rate=99.0),
    ]
    assert "- Users affected: [Number/percentage]\n" in draft_review(log("incident:I", told[0], told[-1]))
    measured = "62.35 % measured at 10:02:00 UTC (incident:I#3)"
    assert f"- Users affected: {measured}\n" in draft_review(log("incident:I", *told))
    said = (5.0, "affected.changed", {"services": [], "users": "guests", "share": 70}, "olivia")
    assert f"- Users affected: guests, 70 %, {measured}\n" in draft_review(log("incident:I", *told, said))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (0.0002, "1 ms"), (0.0314, "31 ms"), (0.08, "80 ms"), (0.1, "0.1 s"), (0.42, "0.4 s"), (3, "3 s")],
)
def test_a_short_time_is_said_as_it_is(seconds: float, words: str) -> None:
    assert length(seconds) == words


def test_a_promise_met_late_is_said() -> None:
    late = log(
        "incident:INC-2026-002",
        (0.0, "incident.declared", dict(own()[0].data), "hutch"),
        (0.0, "clock.started", {"clock": "response", "number": 1, "start": instant(START),
                                "due": instant(START + timedelta(minutes=5)), "why": "x"}, "hutch"),
        (8.0, "clock.met", {"clock": "response-1", "late_by": 180.0}, "hutch"),
    )  # fmt: skip
    assert "- Promise met late by 3 minutes: response-1" in draft_review(late)


@given(st.text(max_size=80))
def test_a_hostile_title_is_only_text(title: str) -> None:
    text = draft_review(own(f"<script>[x](javascript:y)\n# {title}"), [journal()])
    tokens = MarkdownIt().parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    assert sum(t.type == "heading_open" for t in tokens) == 10
    assert not [t.type for t in (*tokens, *inline) if t.type in ("link_open", "image", "html_inline", "html_block")]


def test_the_timeline_joins_the_streams_in_the_order_of_time() -> None:
    entries = timeline(own(), [journal()])
    assert [e.at for e in entries] == sorted(e.at for e in entries)
    assert {e.stream for e in entries} == {"incident:INC-2026-001", "run:R1"}


def test_live_output_is_no_line_of_the_timeline() -> None:
    """What a step said while it ran is told by its end; the timeline would drown in it."""
    begun = {"item": "i1", "title": "t", "text": "x"}
    ended = {**begun, "status": "passed", "summary": "exit 0", "output": "", "seconds": 1.0}
    events = log(
        "run:R2",
        (1.0, "statement.started", begun, "hutch"),
        (1.1, "statement.output", {"item": "i1", "text": "line\n"}, "hutch"),
        (1.2, "statement.finished", ended, "hutch"),
    )
    assert [e.kind for e in timeline(events)] == ["statement.finished"]
