"""When the diagnosis says that a remedy has cured its cause."""

from __future__ import annotations

from typing import Any

import pytest

from hutch.engine.verdict import combine, cured, settle
from hutch.model.action import Verification, Verified


def cause(code: str, thing: str, confidence: float) -> dict[str, Any]:
    return {"code": code, "object": {"kind": "thing", "id": thing}, "confidence": confidence, "target": "db"}


LOCK, OTHER_LOCK = cause("postgres.blocked_by_lock", "7", 0.9), cause("postgres.blocked_by_lock", "8", 0.9)
INDEX, NEW_INDEX = cause("postgres.invalid_index", "i", 0.6), cause("postgres.invalid_index", "j", 0.6)
FULL = cause("postgres.connections_exhausted", "shop", 0.9)
KNOWN = (LOCK, OTHER_LOCK, INDEX, FULL)


@pytest.mark.parametrize(
    ("left", "verdict", "said"),
    [
        ((), Verified.PASSED, "every check is well"),
        ((INDEX,), Verified.PASSED, "another matter: postgres.invalid_index"),
        ((LOCK,), Verified.PENDING, "is still there"),
        ((OTHER_LOCK,), Verified.PENDING, "is still there"),
        ((cause("postgres.blocked_by_lock", "9", 0.5),), Verified.PENDING, "is still there"),
        ((FULL,), Verified.PENDING, "gone, but there is postgres.connections_exhausted"),
        ((NEW_INDEX,), Verified.PENDING, "gone, but there is postgres.invalid_index"),
        ((INDEX, NEW_INDEX), Verified.PENDING, "gone, but there is postgres.invalid_index"),
    ],
)
def test_only_what_was_known_and_less_sure_is_not_held_against_it(left: Any, verdict: Verified, said: str) -> None:
    found = cured("postgres.blocked_by_lock", {"causes": left, "healthy": not left, "checks": ()}, KNOWN)
    assert (found.verdict, said in found.summary) == (verdict, True), found


@pytest.mark.parametrize(("matters", "verdict"), [(True, Verified.UNKNOWN), (False, Verified.PASSED)])
def test_what_could_not_be_seen_is_not_gone(matters: bool, verdict: Verified) -> None:
    checks = [{"name": "postgres.locks", "status": "unknown", "matters": matters}]
    found = cured("postgres.blocked_by_lock", {"causes": [INDEX], "healthy": False, "checks": checks}, KNOWN)
    assert found.verdict is verdict


def test_without_anything_known_every_cause_is_held_against_it() -> None:
    assert cured("x.y", {"causes": [INDEX], "healthy": False, "checks": []}).verdict is Verified.PENDING


NOBODY_KNOWS = Verification(Verified.UNKNOWN, "look, and say", final=True)
NOT_REACHED = Verification(Verified.UNKNOWN, "the server is away")
NOT_YET = Verification(Verified.PENDING, "still there")


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ((NOBODY_KNOWS,), Verified.UNKNOWN),
        ((NOBODY_KNOWS, Verification(Verified.PASSED, "well")), Verified.UNKNOWN),
        ((NOBODY_KNOWS, NOT_REACHED), Verified.PENDING),
        ((NOBODY_KNOWS, NOT_YET), Verified.PENDING),
    ],
)
def test_a_person_is_asked_at_once_where_no_later_look_would_tell(words: Any, verdict: Verified) -> None:
    assert settle(combine(words), last=False).verdict is verdict
