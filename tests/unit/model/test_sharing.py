"""Who does what: evenly, the same for everybody who sees the same, and nothing moves that need not."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hutch.model.duty import Lease, Member, Roll, called, kind, probing, service_of, watching
from hutch.model.sharing import plan

KEYS = [f"watch@s{n}" for n in range(7)]
A, B, C = "a", "b", "c"


@pytest.mark.parametrize(
    ("members", "held", "counts"),
    [
        ([], {}, []),
        ([A], {}, [7]),
        ([A, B], {}, [4, 3]),
        ([A, B, C], {}, [3, 2, 2]),
        ([A, B], dict.fromkeys(KEYS, A), [4, 3]),
        ([B], dict.fromkeys(KEYS, A), [7]),
        ([f"m{n}" for n in range(9)], {}, [1] * 7),
    ],
)
def test_shares_are_as_even_as_they_can_be(members: list[str], held: dict[str, str], counts: list[int]) -> None:
    found = plan(KEYS, dict.fromkeys(members, KEYS), held)
    assert sorted(Counter(found.values()).values(), reverse=True) == counts
    assert set(found) == (set(KEYS) if members else set())


def test_what_only_one_can_do_is_done_by_that_one_and_what_nobody_can_is_left_out() -> None:
    able = {A: KEYS, B: [*KEYS, "new"], "worker": ["probes@fra/s1"]}
    found = plan([*KEYS, "new", "unknown"], able, dict.fromkeys(KEYS, A))
    assert found["new"] == B and "unknown" not in found and "worker" not in found.values()
    assert Counter(found.values()) == {A: 4, B: 4}
    assert plan(KEYS, {A: KEYS[:1], B: KEYS}, {}).keys() == set(KEYS)


names = st.lists(st.text("abcdef", min_size=1, max_size=4), min_size=1, max_size=6, unique=True)
keys = st.lists(st.text("stuvw", min_size=1, max_size=4), max_size=25, unique=True)


@settings(deadline=None, max_examples=60)
@given(names, keys, st.data())
def test_whatever_was_it_gets_even_and_stays_as_it_is(
    members: list[str], wanted: list[str], data: st.DataObject
) -> None:
    held = data.draw(st.dictionaries(st.sampled_from(wanted), st.sampled_from([*members, "gone"]))) if wanted else {}
    able = dict.fromkeys(members, wanted)
    found = plan(wanted, able, held)
    counts = [list(found.values()).count(member) for member in members]
    assert set(found) == set(wanted) and max(counts) - min(counts) <= 1
    assert plan(wanted, able, found) == found
    assert plan(wanted[::-1], dict.fromkeys(members[::-1], wanted), held) == found, "in whatever order it is told"


@settings(deadline=None, max_examples=60)
@given(names, keys)
def test_a_join_moves_only_what_the_new_one_gets_and_a_leave_only_what_was_left(
    members: list[str], wanted: list[str]
) -> None:
    before = plan(wanted, dict.fromkeys(members, wanted), {})
    joined = plan(wanted, dict.fromkeys([*members, "zz"], wanted), before)
    assert {k for k in wanted if joined[k] != before[k]} == {k for k in wanted if joined[k] == "zz"}
    left = plan(wanted, dict.fromkeys(members, wanted), joined)
    assert {k for k in wanted if left[k] != joined[k]} == {k for k in wanted if joined[k] == "zz"}


@settings(deadline=None, max_examples=60)
@given(names, keys, st.randoms(use_true_random=False))
def test_in_whatever_order_they_act_all_is_had_by_one_and_evenly(
    members: list[str], wanted: list[str], chance: object
) -> None:
    """Each hands over what it shall not have, and takes what is free: by what it sees at its turn."""
    held, able = dict.fromkeys(wanted, members[0]), dict.fromkeys(members, wanted)
    for _ in range(2 * len(wanted) + 2):
        order = list(members)
        chance.shuffle(order)  # type: ignore[attr-defined]
        for me in order:
            shall = plan(wanted, able, held)
            held = {key: who for key, who in held.items() if who != me or shall[key] == me}
            held |= {key: me for key, who in shall.items() if who == me and key not in held}
    counts = Counter(held.values())
    assert set(held) == set(wanted)
    assert max(counts.values(), default=0) - min((counts[m] for m in members), default=0) <= 1


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(names.map(lambda found: found[0]), keys, min_size=1, max_size=5), st.data()
)  # each knows what it knows
def test_where_each_can_do_other_things_it_settles_too(able: dict[str, list[str]], data: st.DataObject) -> None:
    every = sorted({key for known in able.values() for key in known})
    drawn = st.dictionaries(st.sampled_from(every), st.sampled_from(sorted(able)))
    found = plan(every, able, data.draw(drawn) if every else {})
    assert set(found) == set(every) and all(key in able[who] for key, who in found.items())
    for _ in range(len(every) + 1):
        found, before = plan(every, able, found), found
    assert found == before


def test_the_names_of_duties_and_processes() -> None:
    assert [kind(d) for d in (watching("shop"), probing("fra", "shop"), "reviews")] == ["watch@", "probes@fra", ""]
    assert [service_of(d) for d in (watching("a/b"), probing("fra", "shop"), "reviews")] == ["a/b", "", ""]
    assert [called("alpha/1f/40:812:11:9c"), called("odd")] == ["alpha:812", "odd"]
    roll = Roll(A, members={A: Member()}, leases={"x": Lease(A, 0), "y": Lease("gone", 0)})
    assert [roll.has(duty) for duty in ("x", "y", "z")] == [A, "", ""]
