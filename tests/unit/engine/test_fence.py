"""A change is begun only on a fresh word that its job is ours: whoever slept over the answer asks again."""

from __future__ import annotations

import pytest

from hutch.engine.changing import FRESH, surely

SLEPT = FRESH + 4


class Answers:
    """Gives these answers; so many seconds pass until each is there."""

    def __init__(self, *given: tuple[bool, float]) -> None:
        self.given, self.asked, self.time = list(given), 0, 0.0

    async def __call__(self) -> bool:
        answer, seconds = self.given.pop(0)
        self.asked += 1
        self.time += seconds
        return answer

    def now(self) -> float:
        return self.time


@pytest.mark.parametrize(
    ("given", "sure", "asked"),
    [
        ([(True, 0)], True, 1),
        ([(False, 0)], False, 1),
        ([(True, SLEPT), (True, 0)], True, 2),
        ([(True, SLEPT), (False, 0)], False, 2),  # it woke up, and another one has the job
        ([(True, SLEPT)] * 3, False, 3),  # a store that slow lets nothing begin
    ],
)
async def test_an_old_answer_is_none(given: list[tuple[bool, float]], sure: bool, asked: int) -> None:
    answers = Answers(*given)
    assert (await surely(answers, answers.now), answers.asked) == (sure, asked)
