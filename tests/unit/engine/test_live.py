"""Live output: whole lines, masked over piece borders, bounded, never in the way of the outcome."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from hutch.engine import live
from hutch.engine.live import ROOM, Heard, listening
from hutch.ports import hearing, said


def _mask(text: str) -> str:
    return text.replace("hunter2-secret", "•••")


def test_only_whole_lines_are_given_on() -> None:
    heard = Heard(_mask)
    heard.add("one\ntwo")
    assert heard.take() == "one\n"
    assert heard.take() == ""
    heard.add(" and a half\n")
    assert heard.take() == "two and a half\n"


@given(st.lists(st.integers(min_value=1, max_value=9), min_size=1, max_size=20))
def test_a_secret_cut_by_pieces_is_masked_all_the_same(cuts: list[int]) -> None:
    text = "a\npassword hunter2-secret here\nb\nhunter2-secret\n"
    heard, shown, rest = Heard(_mask), "", text
    for cut in cuts:
        heard.add(rest[:cut])
        rest = rest[cut:]
        shown += heard.take()
    heard.add(rest)
    shown += heard.take()
    assert shown == _mask(text)


def test_what_is_past_the_room_is_left_to_the_outcome() -> None:
    heard = Heard(_mask)
    heard.add("x" * 99 + "\n")
    for _ in range(1000):
        heard.add("x" * 99 + "\n")
    assert len(heard.take()) <= ROOM


async def test_what_a_provider_says_reaches_the_listener_and_nobody_else() -> None:
    given_on: list[str] = []

    async def give(text: str) -> None:
        given_on.append(text)

    async with listening(_mask, give):
        said("line 1\n")
        await asyncio.sleep(live.EVERY * 3)
        said("never finished")
    assert given_on == ["line 1\n"]
    assert hearing.get() is None
    said("into the void")
