"""Bundles: whatever is altered in one, is found; whatever is no bundle, is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutch.model.bundle import BundleError, read, written
from hutch.model.event import ERASED, GENESIS, Draft, Event, seal

AT = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)


def chain(stream: str, count: int) -> list[Event]:
    events: list[Event] = []
    for seq in range(1, count + 1):
        before = events[-1].hash if events else GENESIS
        draft = Draft("note.added", {"text": f"note {seq} “ü”", "seq": seq}, "olivia")
        events.append(seal(draft, stream=stream, seq=seq, at=AT, salt=f"s{seq}", prev_hash=before))
    return events


def lines() -> list[str]:
    return list(written("INC-2026-001", AT, [chain("incident:INC-2026-001", 4), chain("run:R-1", 3), []]))


def test_what_was_written_is_whole() -> None:
    found = read(lines())
    assert found.breaks() == [] and found.incident == "INC-2026-001"
    assert found.streams == {"incident:INC-2026-001": chain("incident:INC-2026-001", 4), "run:R-1": chain("run:R-1", 3)}


def test_erased_data_leaves_the_chain_provable() -> None:
    events = chain("incident:INC-2026-001", 3)
    events[1] = replace(events[1], data=ERASED, salt="")
    assert read(written("INC-2026-001", AT, [events])).breaks() == []


FIELDS = ("stream", "seq", "at", "actor", "kind", "data", "prev_hash", "hash", "data_hash", "salt")
OTHER: dict[str, Any] = {"seq": 9, "at": "2026-01-15T10:00:01.000000Z", "data": {"text": "nothing happened"}}


@given(st.integers(1, 7), st.sampled_from(FIELDS))
def test_any_altered_field_is_found(line: int, field: str) -> None:
    found = lines()
    event = json.loads(found[line])
    found[line] = json.dumps(event | {field: OTHER.get(field, "x")})
    assert read(found).breaks() != []


@given(st.integers(1, 7), st.integers(1, 7))
def test_what_is_missing_doubled_or_moved_is_found(first: int, second: int) -> None:
    whole = lines()
    assert read(whole[:first] + whole[first + 1 :]).breaks() != []
    assert read([*whole, whole[first]]).breaks() != []
    if first != second:
        whole[first], whole[second] = whole[second], whole[first]
        across = {json.loads(whole[n])["stream"] for n in (first, second)}
        assert read(whole).breaks() != [] or len(across) == 2, "the order between two streams says nothing"


def test_a_whole_other_history_under_the_same_head_is_found() -> None:
    ours = lines()
    forged = [seal(Draft("note.added", {}, "evil"), stream="run:R-1", seq=1, at=AT, salt="", prev_hash=GENESIS)]
    others = list(written("INC-2026-001", AT, [forged]))[1:]
    kept = [line for line in ours if '"stream":"run:R-1"' not in line]
    assert [b.stream for b in read([*kept, *others]).breaks()] == ["run:R-1"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda w: [], "line 1: this is no JSON"),
        (lambda w: ["{}"], "line 1: this is no bundle: expected the form 'hutch-bundle-1'"),
        (lambda w: ['{"form":"hutch-bundle-1"}'], "line 1: the head lacks the streams"),
        (lambda w: [w[0], w[1][:50]], "line 2: this is no JSON; the file may be cut off"),
        (lambda w: [w[0], "[1]"], "line 2: expected an object"),
        (lambda w: [w[0], "[" * 100_000], "line 2: this is no JSON"),
        (lambda w: [w[0], "{}"], "line 2: this is no event: 'stream'"),
        (lambda w: [w[0], json.dumps(json.loads(w[1]) | {"seq": True})], "line 2: this is no event: wrong kinds"),
        (lambda w: [w[0], json.dumps(json.loads(w[1]) | {"at": "soon"})], "line 2: this is no event"),
    ],
)
def test_what_is_no_bundle_is_said_with_its_line(change: Callable[[list[str]], list[str]], error: str) -> None:
    with pytest.raises(BundleError) as caught:
        read(change(lines()))
    assert str(caught.value).startswith(error)
