from __future__ import annotations

from rolerabbit.breaker import FAILURES, PAUSE_S, Breaker


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def opened() -> tuple[Breaker, Clock]:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        assert breaker.allows()
        breaker.failed()
    return breaker, clock


def test_some_failures_in_a_row_open_it() -> None:
    breaker = Breaker(Clock())
    for _ in range(FAILURES * 3):
        breaker.failed()
        breaker.succeeded()
    assert not breaker.open
    assert opened()[0].open


def test_open_it_lets_one_try_a_pause() -> None:
    breaker, clock = opened()
    assert not breaker.allows()
    clock.now += PAUSE_S
    assert [breaker.allows(), breaker.allows()] == [True, False]
    breaker.failed()
    assert not breaker.allows()
    clock.now += PAUSE_S
    assert breaker.allows()


def test_one_success_closes_it() -> None:
    breaker, clock = opened()
    clock.now += PAUSE_S
    assert breaker.allows()
    breaker.succeeded()
    assert not breaker.open
    assert breaker.allows()
