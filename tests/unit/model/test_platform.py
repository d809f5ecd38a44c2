"""What deployments mean: which of them brought another release, and under which names it is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hutch.model.platform import Deployment, brought

NOW = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)


def row(minute: int, release: str, kind: str, previous: str = "", *names: str, **more: str) -> Deployment:
    state, reason = more.get("state", "succeeded"), more.get("reason", "")
    at = NOW + timedelta(minutes=minute)
    return Deployment(f"d{minute}", release, kind, state, at, at, previous, reason, names)


def test_a_restart_under_an_id_of_its_own_goes_on_with_the_release() -> None:
    one, two = brought(
        [
            row(0, "a", "deploy", "", "41"),
            row(1, "b", "deploy", "a", "42"),
            row(2, "x", "deploy", "b", state="failed", reason="no build"),
            row(3, "y", "deploy", "b", reason="never had the domains"),
            row(4, "c", "restart", "b", "42", "c.host"),
            row(5, "d", "restart", "c", "42"),
        ]
    )
    assert (one.id, one.at, one.is_called("41"), one.is_called("42")) == ("a", NOW, True, False)
    assert (two.id, two.at, two.previous) == ("d", NOW + timedelta(minutes=1), "a")
    assert [name for name in ("42", "b", "c", "d", "c.host", "41", "x") if two.is_called(name)] == [
        "42", "b", "c", "d", "c.host",
    ]  # fmt: skip
    assert two.summary == "release b (42) deployed after a"


def test_a_restart_of_the_same_id_and_one_of_something_else_bring_nothing() -> None:
    found = brought([row(0, "web:1", "deploy"), row(1, "web:1", "restart", "web:1"), row(2, "z", "restart", "other")])
    assert [change.id for change in found] == ["web:1"]


def test_a_roll_back_is_one_and_an_empty_name_is_nobodys() -> None:
    *_, back = brought([row(0, "a", "deploy"), row(1, "b", "deploy", "a"), row(2, "a", "rollback", "b")])
    assert (back.id, back.previous, back.summary) == ("a", "b", "rolled back to a")
    assert not back.is_called("")
