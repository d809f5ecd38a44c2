"""The windows of a long timeline: bounded, and together they tell all of it, each event once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hutch.model.event import GENESIS, Draft, Event, seal
from hutch.review.timeline import timeline
from hutch.web.window import SIZE, ending

START = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)


def stream(name: str, count: int, step: float, begin: float = 0) -> list[Event]:
    return [
        seal(
            Draft("note.added", {"text": str(seq)}), stream=name, seq=seq,
            at=START + timedelta(seconds=begin + seq * step), salt="", prev_hash=GENESIS,
        )
        for seq in range(1, count + 1)
    ]  # fmt: skip


@pytest.mark.parametrize("total", [1, SIZE - 1, SIZE, SIZE + 1, 2 * SIZE, 3 * SIZE + 7])
def test_every_event_stands_in_one_window(total: int) -> None:
    own, journal = stream("incident:I", total, 1), stream("run:R", 3 * total, 0.37, begin=-9)
    told: list[str] = []
    upto = 0
    while True:
        window = ending(upto, total)
        read = own[max(window.older - 1, 0) :]
        keep = window.tells(read)
        entries = [e for e in timeline(window.of(read), [journal]) if keep(e)]
        assert sum(e.stream == "incident:I" for e in entries) <= SIZE
        assert window.newer == bool(told)
        told = [e.link for e in entries] + told
        if not window.older:
            break
        upto = window.older
    assert sorted(told) == sorted(e.link for e in timeline(own, [journal]))


@pytest.mark.parametrize("upto", [-3, 0, 500, 10**9])
def test_a_place_that_is_none_is_the_end(upto: int) -> None:
    assert ending(upto, 500) == ending(0, 500)
    assert (ending(0, 500).first, ending(0, 500).last) == (301, 500)
