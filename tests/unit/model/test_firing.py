"""What a message means to what is known of its fingerprint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hutch.model import firing
from hutch.model.alert import UNKNOWN_START, Alert, digest_of
from hutch.model.draft import as_events
from hutch.model.event import Draft
from hutch.model.firing import KEPT, Firings, Heard, alert_from, as_dict, hear
from hutch.model.severity import Severity

T0 = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
FIRES = Alert("Errors", "shop", Severity.SEV2, T0, "5 %", 5.0, {"team": "web"})
ENDS = replace(FIRES, ends_at=T0 + timedelta(minutes=5))
EMPTY = Firings(FIRES.fingerprint)


def after(state: Firings, *drafts: Draft, minutes: float = 0) -> Firings:
    return firing.fold(as_events(state.stream, state.seq, drafts, T0 + timedelta(minutes=minutes)), state)


def later(alert: Alert, minutes: float) -> Alert:
    return replace(alert, starts_at=T0 + timedelta(minutes=minutes))


FIRING = after(EMPTY, firing.started(FIRES, incident="INC-1", told=FIRES.key))
OVER = after(FIRING, firing.ended(ENDS, [FIRES.key]))


def test_a_firing_begins_once_and_ends_once() -> None:
    assert hear(EMPTY, FIRES) is Heard.BEGINS
    assert hear(FIRING, FIRES) is Heard.KNOWN
    assert hear(FIRING, ENDS) is Heard.ENDS
    assert hear(OVER, ENDS) is Heard.KNOWN
    assert hear(OVER, FIRES) is Heard.KNOWN
    assert hear(OVER, later(FIRES, 9)) is Heard.BEGINS


def test_an_end_that_comes_first_waits_for_its_beginning() -> None:
    assert hear(EMPTY, ENDS) is Heard.EARLY
    early = after(EMPTY, firing.ended(ENDS, [ENDS.key], early=True))
    assert hear(early, ENDS) is Heard.KNOWN
    assert hear(early, FIRES) is Heard.LATE
    told = after(early, firing.started(FIRES, held="it had ended before it was told"))
    assert (told.alert, told.early) == (None, ())
    assert hear(told, FIRES) is Heard.KNOWN
    assert hear(told, later(FIRES, 1)) is Heard.BEGINS


def test_a_start_in_the_future_keeps_nothing_silent_that_comes_after() -> None:
    ahead = replace(FIRES, starts_at=T0 + timedelta(days=900))
    fired = after(EMPTY, firing.started(ahead, incident="INC-1", told=ahead.key))
    assert hear(fired, ahead) is Heard.KNOWN
    assert hear(fired, later(ENDS, 9)) is Heard.ENDS  # the clock was set right meanwhile
    assert hear(fired, later(ENDS, -1)) is Heard.KNOWN
    over = after(fired, firing.ended(replace(ahead, ends_at=T0), [ahead.key]), minutes=5)
    assert hear(over, ahead) is Heard.KNOWN  # told twice, it is still the same
    assert hear(over, later(FIRES, 9)) is Heard.BEGINS
    assert hear(over, later(ENDS, 9)) is Heard.EARLY
    assert hear(over, later(FIRES, -1)) is Heard.KNOWN


def test_two_senders_with_starts_of_their_own_are_one_alert() -> None:
    assert hear(FIRING, later(FIRES, 1)) is Heard.KNOWN
    assert hear(FIRING, later(ENDS, 1)) is Heard.ENDS
    assert hear(FIRING, later(ENDS, -1)) is Heard.KNOWN
    assert hear(OVER, later(FIRES, -1)) is Heard.KNOWN


def test_an_end_without_a_start_ends_what_fires() -> None:
    nameless = replace(ENDS, starts_at=UNKNOWN_START)
    assert hear(FIRING, nameless) is Heard.ENDS
    assert hear(EMPTY, nameless) is Heard.KNOWN
    assert hear(OVER, nameless) is Heard.KNOWN


def test_the_alert_is_read_back_as_it_was() -> None:
    whole = replace(FIRES, annotations={"a": "b"}, since=T0, url="http://x", source="grafana", given="sha256:1")
    assert alert_from(as_dict(whole)) == whole
    assert alert_from(as_dict(replace(FIRES, severity=None, value=None))).severity is None


def test_a_sources_own_key_is_never_stored_and_stays_the_same() -> None:
    by_key = replace(FIRES, source="pagerduty", given="ROUTING-SECRET:disk-full")
    digested = replace(by_key, given=digest_of(by_key.given))
    assert digested.given.startswith("sha256:") and "ROUTING" not in digested.given
    assert by_key.fingerprint == digested.fingerprint
    assert by_key.fingerprint != replace(by_key, source="opsgenie").fingerprint


def test_what_was_erased_is_passed_over() -> None:
    draft = Draft("firing.started", {"erased": True})
    assert after(EMPTY, draft) == replace(EMPTY, seq=1)


def test_what_comes_and_goes_keeps_its_place_until_it_is_still() -> None:
    flapping = after(EMPTY, firing.started(FIRES, incident="INC-1", told=FIRES.key, flapping=True))
    kept = after(flapping, firing.ended(ENDS, [FIRES.key], keep=True))
    assert (kept.alert, kept.told, kept.flapping) == (None, FIRES.key, True)
    again = after(kept, firing.started(later(FIRES, 7), held="it fired 5 times"))
    assert (again.told, again.held) == (FIRES.key, "it fired 5 times")
    still = after(again, firing.steady())
    assert (still.flapping, still.told) == (False, FIRES.key)
    assert after(kept, firing.steady()).told == ""


MESSAGES = st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=60)


def heard(messages: Sequence[tuple[bool, int]]) -> tuple[Firings, int]:
    """The state after the messages, and how many firings began."""
    state, began = EMPTY, 0
    for fires, minute in messages:
        alert = later(FIRES if fires else ENDS, minute)
        match hear(state, alert):
            case Heard.BEGINS:
                began += 1
                state = after(state, firing.started(alert, incident="INC-1", told=alert.key))
            case Heard.ENDS:
                assert state.alert
                state = after(state, firing.ended(alert, [alert.key, state.alert.key]))
            case Heard.EARLY:
                state = after(state, firing.ended(alert, [alert.key], early=True))
            case Heard.LATE:
                state = after(state, firing.started(alert, held="late"))
    return state, began


@given(MESSAGES)
def test_repeating_everything_changes_nothing(messages: list[tuple[bool, int]]) -> None:
    twice = [message for message in messages for _ in range(2)]
    assert heard(twice) == heard(messages)


@given(MESSAGES)
def test_no_start_begins_twice_and_the_memory_is_bounded(messages: list[tuple[bool, int]]) -> None:
    state, began = heard(messages)
    assert began <= len({minute for fires, minute in messages if fires})
    assert max(len(state.began), len(state.ended), len(state.early)) <= KEPT
