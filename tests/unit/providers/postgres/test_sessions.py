from __future__ import annotations

import pytest

from hutch.providers.postgres.sessions import SHOWN, Session, without_literals


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("select 1", "select ?"),
        ("select * from t where mail = 'o''hare@x.y' -- 7", "select * from t where mail = ? -- ?"),
        ("select $$secret$$, $tag$ more $tag$", "select ?, ?"),
        ("update t1 set c2 = $1 where id=42.5", "update t1 set c2 = $1 where id=?"),
        ("select 'cut in the mid", "select ?"),
        ("a\n  b", "a b"),
    ],
)
def test_values_are_left_out(query: str, shown: str) -> None:
    assert without_literals(query) == shown


def test_long_statements_are_cut() -> None:
    shown = without_literals("select " + "column_name, " * 50)
    assert (len(shown), shown[-1]) == (SHOWN, "…")


def test_a_session_survives_the_way_through_a_finding() -> None:
    session = Session(7, "2026-01-01T00:00:00+00:00", "app", "web/43", "idle in transaction", idle_seconds=1.5)
    assert Session.read(session.as_dict()) == session
