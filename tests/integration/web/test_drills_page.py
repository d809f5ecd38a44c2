"""The page of the drills over HTTP: what there is, how it went, and a report that is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hutch.bootstrap.wire import open_context
from hutch.commands.context import Context
from hutch.commands.drills import history, report
from hutch.commands.drills.catalogue import find_faults
from hutch.commands.drills.kept import HOME
from hutch.commands.drills.lock import only_one
from hutch.commands.drills.result import FAILED, PASSED, Result, Scores, Seconds


@pytest.fixture
def context(tmp_path: Path) -> Context:
    (tmp_path / "hutch.yaml").write_text("services: {shop: {}}\n")
    return open_context(tmp_path / "hutch.yaml")


async def test_what_was_run_has_its_score_and_the_rest_none(context: Context, served: Any, tmp_path: Path) -> None:
    site = await served(context)
    before = await site.page("/drills")
    names = list(find_faults())
    assert len(names) > 5 and all(name in before.said for name in names)
    assert "No drill was run yet." in before.said and "hutch drill run --all" in before.said
    assert str(tmp_path) in before.said and before.said.count("not run") == len(names)
    named = {"code": "postgres.long_query", "object": {"kind": "session", "id": "<b>7"}}
    results = [
        Result(names[0], PASSED, named=named, scores=Scores(cause=True), seconds=Seconds(0.0, 4.2, 5.0, 61.0)),
        Result(names[1], FAILED, ("named <script>hurt()</script> instead",), named=named, scores=Scores(cause=False)),
    ]
    (tmp_path / HOME).mkdir()
    document = report.document(results, seed=7, started_at="2026-01-05T10:00:00+00:00", stage={})
    (tmp_path / HOME / "report.json").write_text(json.dumps(document))
    after = await site.page("/drills")
    assert "1 of 2 passed" in after.said and "with seed 7" in after.said
    assert "4.2 / 5.0 / 61.0" in after.said and "postgres.long_query ✗" in after.said
    assert "named <script>hurt()</script> instead" in after.said and "<script>hurt" not in after.html
    assert after.said.count("not run") == len(names) - 2
    assert after.html.index(f'id="{names[1]}"') < after.html.index(f'id="{names[0]}"')  # what failed comes first


async def test_the_pictures_show_causes_others_and_the_calls_so_far(
    context: Context, served: Any, tmp_path: Path
) -> None:
    names, home = list(find_faults()), tmp_path / HOME
    assert "<svg" not in (await (await served(context)).page("/drills")).html.partition("Goals")[2]
    right = {"seed": {"first": False, "among": True, "silent": None}}
    quiet = {"seed": {"first": None, "among": None, "silent": False}}
    results = [
        Result(names[0], PASSED, expected={"cause": "x.y"}, scores=Scores(True, True), seconds=Seconds(1, 2, 3.5),
               seed=1, baselines=right),
        Result(names[0], FAILED, ("wrong <b>",), {"cause": "x.y"}, scores=Scores(False), seed=2, baselines=right),
        Result(names[1], PASSED, expected={"cause": ""}, seed=1, baselines=quiet),
    ]  # fmt: skip
    home.mkdir()
    document = report.document(results, seed=1, seeds=[1, 2], started_at="2026-01-05T10:00:00+00:00", stage={})
    (home / "report.json").write_text(json.dumps(document))
    history.note(home / history.FILE, document)
    page = await (await served(context)).page("/drills")
    assert "cause and object exact: 1 of 2" in page.said and "no-faults silent: 1 of 1" in page.said
    for ident in ("score", "named", "beside", "quiet", "calls"):
        assert f'id="drills-{ident}-t"' in page.html, ident
    assert "x.y: 0.5 right, 0.5 wrong" in page.html and "3.5 s (3.5–3.5)" in page.html
    assert "2026-01-05 10:00" in page.html and "1 of 2 passed" in page.said and "<b>" not in page.html


async def test_what_is_under_way_is_said_until_it_ends(context: Context, served: Any, tmp_path: Path) -> None:
    site = await served(context)
    with only_one(tmp_path / HOME / "lock", "drills lock-holder <b>, leak"):
        under_way = await site.page("/drills")
        assert "Drills are under way: process" in under_way.said and "lock-holder <b>, leak" in under_way.said
        assert "data-again" in under_way.html  # with JavaScript it looks again by itself
    assert "under way" not in (await site.page("/drills")).said


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 9}', '{"version": 1, "results": [{}]}', "[" * 100_000])
async def test_a_report_that_is_none_is_said(context: Context, served: Any, tmp_path: Path, text: str) -> None:
    (tmp_path / HOME).mkdir()
    (tmp_path / HOME / "report.json").write_text(text)
    assert "cannot be read" in (await (await served(context)).page("/drills")).said
