"""What others would conclude: the shipped files, each rule, the order of conclusions, and their score."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hutch.commands.drills.baseline import (
    Answer,
    BadBaseline,
    Conclusion,
    Look,
    bundled,
    conclude,
    marks,
    ordered,
    read,
    totals,
)
from hutch.effect.sql import classify_sql
from hutch.model.effect import Effect

NAMES = {"service": "shop", "database": "rr", "cache": "10.0.0.1:6379", "release": "41"}
ROW = {"pid": 47, "value": 12.5, "name": None}


def look(when: str, **more: Any) -> Look:
    given: dict[str, Any] = {
        "at": "a look",
        "asks": "sql",
        "means": "x.y",
        "kind": "session",
        "id": "$pid",
        "limit": 10,
    }
    return Look(when=when, **{**given, **more})


@pytest.mark.parametrize("baseline", bundled(), ids=lambda found: found.name)
def test_what_is_shipped_reads_only(baseline: Any) -> None:
    assert len(baseline.looks) >= 5
    for one in baseline.looks:
        if one.asks == "sql":
            assert classify_sql(one.question).effect is Effect.READ, one.question
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", one.means)


def test_the_seed_document_is_among_them_and_the_tools() -> None:
    assert [found.name for found in bundled()] == ["check_postgres", "pg_activity", "pghero", "seed"]


@pytest.mark.parametrize(
    ("asked", "answer", "hits"),
    [
        (look("rows"), Answer([ROW, ROW]), 2),
        (look("rows"), Answer(error="refused"), 0),
        (look("above"), Answer([ROW, {"value": 10}, {"value": None}, {}]), 1),
        (look("within"), Answer([{"value": 10}, {"value": 11}]), 1),
        (look("missing"), Answer(), 1),
        (look("missing"), Answer([ROW]), 0),
        (look("missing"), Answer(error="no answer"), 0),
        (look("fails", text="refused"), Answer(error="connection refused"), 1),
        (look("fails", text="refused"), Answer(error="password"), 0),
        (look("fails"), Answer([ROW]), 0),
        (look("no answer"), Answer(error="timed out"), 1),
        (look("no answer"), Answer(status=503), 0),
        (look("status", limit=500), Answer(status=503), 1),
        (look("status", limit=500), Answer(status=404), 0),
        (look("status", limit=500), Answer(error="refused"), 0),
        (look("slower", limit=1.0), Answer(status=200, seconds=1.1), 1),
        (look("slower", limit=1.0), Answer(error="refused", seconds=4.0), 0),
    ],
)
def test_each_rule(asked: Look, answer: Answer, hits: int) -> None:
    assert len(conclude(asked, answer, NAMES)) == hits


def test_an_object_is_named_by_the_row_or_by_what_the_service_is_called() -> None:
    (by_row,) = conclude(look("rows"), Answer([ROW]), NAMES)
    (by_name,) = conclude(look("missing", kind="database", id="$database"), Answer(), NAMES)
    assert (by_row.code, by_row.kind, by_row.id) == ("x.y", "session", "47")
    assert (by_name.kind, by_name.id) == ("database", "rr")


def said(*codes: str) -> list[Conclusion]:
    return [Conclusion(code, "session", str(number), "a look") for number, code in enumerate(codes)]


def test_what_says_that_something_is_wrong_goes_behind_what_says_more_and_nothing_is_said_twice() -> None:
    found = [*said("http.slow", "a.b", "http.error_rate", "c.d"), Conclusion("a.b", "session", "1", "another look")]
    assert [(one.code, one.at) for one in ordered(found)] == [
        ("a.b", "a look"), ("c.d", "a look"), ("http.slow", "a look"), ("http.error_rate", "a look"),
    ]  # fmt: skip


def test_the_first_conclusion_counts_and_generously_any() -> None:
    wanted = [("a.b", [("session", "1")])]
    assert (marks(said("x.y", "a.b"), wanted, True).first, marks(said("x.y", "a.b"), wanted, True).among) == (
        False,
        True,
    )
    assert marks([Conclusion("a.b", "session", "1", "")], wanted, True).first is True
    wrong = marks(said("a.b"), wanted, True)
    assert (wrong.first, wrong.among, wrong.silent) == (False, False, None)


def test_of_two_faults_both_must_be_concluded_before_anything_else() -> None:
    wanted = [("a.b", [("session", "0")]), ("c.d", [("session", "1")])]
    assert marks(said("a.b", "c.d", "x.y"), wanted, True).first is True
    late = marks(
        [*said("a.b"), Conclusion("x.y", "session", "9", ""), Conclusion("c.d", "session", "1", "")], wanted, True
    )
    assert (late.first, late.among) == (False, True)


def test_where_nothing_is_broken_silence_is_right_and_what_only_an_alert_tells_of_is_not_scored() -> None:
    assert (marks([], [], False).silent, marks(said("a.b"), [], False).silent) == (True, False)
    quiet = marks(said("a.b"), [], True)
    assert (quiet.first, quiet.among, quiet.silent) == (None, None, None)


def test_totals() -> None:
    wanted = [("a.b", [("session", "0")])]
    one = {"seed": marks(said("a.b"), wanted, True).as_dict(), "tool": marks([], wanted, True).as_dict()}
    other = {"seed": marks(said("a.b"), [], False).as_dict(), "tool": marks([], [], False).as_dict()}
    found = totals([one, other, {}])
    assert found["seed"]["first"] == {"right": 1, "of": 1, "share": 1.0}
    assert found["seed"]["silent"] == {"right": 0, "of": 1, "share": 0.0}
    assert (found["tool"]["first"]["right"], found["tool"]["silent"]["right"]) == (0, 1)


WHOLE = 'about = "x"\n[[look]]\nat = "a"\nasks = "sql"\nwhen = "rows"\nmeans = "x.y"\nkind = "k"\nid = "i"\n'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("about = ", "own: "),
        ('about = "x"', "own: 'look'"),
        (WHOLE.replace('"sql"', '"mail"'), "own: a: asks 'mail', when 'rows'"),
        (WHOLE.replace('"rows"', '"odd"'), "own: a: asks 'sql', when 'odd'"),
        (WHOLE + 'odd = "x"\n', "odd"),
    ],
)
def test_what_is_no_baseline_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadBaseline) as caught:
        read("own", text)
    assert why in str(caught.value)
    assert read("own", WHOLE).looks[0].means == "x.y"
