"""What a probe saw: its state by time, the lengths of its phases, and the form in which it is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hutch.model.finding import Object
from hutch.model.probe import Probed, Sighting, State, as_data, lengths, sighting_from, state

NOW = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
WELL = Sighting("home", "shop", "local", NOW, Probed(True, "200 OK", {"lookup": 0.1, "total": 0.5}, True))
ILL = replace(WELL, seen=Probed(False, "no answer", {"total": 2.0}, False, "http.unreachable", Object("host", "x:1")))
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("sighting", "age", "expected"),
    [
        (WELL, 0, State.OK),
        (WELL, 60, State.OK),
        (WELL, 61, State.SILENT),
        (WELL, -61, State.SILENT),
        (ILL, 60, State.FAILING),
        (ILL, 61, State.SILENT),
        (replace(WELL, seen=replace(WELL.seen, cause="http.tls_expiring")), 1, State.WARNING),
        (None, 0, State.SILENT),
    ],
)
def test_the_state_is_by_what_was_seen_last_and_when(sighting: Sighting | None, age: int, expected: State) -> None:
    assert state(sighting, MINUTE, NOW + timedelta(seconds=age)) is expected


def test_lengths_of_phases_that_are_missing() -> None:
    assert lengths({}) == {}
    assert lengths({"connect": 0.5, "tls": 2.0}) == {"connect": 0.5, "tls": 1.5}


@pytest.mark.parametrize("sighting", [WELL, replace(ILL, late=1.5, skipped=3)])
def test_what_is_kept_comes_back(sighting: Sighting) -> None:
    assert sighting_from(as_data(sighting)) == sighting


@pytest.mark.parametrize(
    "data",
    [{}, {**as_data(WELL), "phases": 3}, {**as_data(WELL), "at": "noon"}, {**as_data(WELL), "object": ["host"]},
     {**as_data(WELL), "late": "x"}],
)  # fmt: skip
def test_what_another_version_wrote_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        sighting_from(data)


def test_texts_are_masked() -> None:
    masked = replace(ILL.seen, detail="no answer of x:1").with_text(lambda text: text.replace("x:1", "•••"))
    assert (masked.detail, masked.object) == ("no answer of •••", Object("host", "•••"))
