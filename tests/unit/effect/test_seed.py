"""The source document, unmodified: what each of its statements can do, and everything that it names.

The table is ``tests/data/effect/seed.toml``. It is complete: a statement without a row fails, and a row without one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hutch.commands.documents import classified
from hutch.model.effect import Effect
from hutch.model.runbook import Document, Statement, Step
from hutch.runbook.hosts import targets
from hutch.runbook.parse import parse

REPOSITORY = Path(__file__).resolve().parents[3]
SEED = REPOSITORY.parent / "shared" / "seed" / "rolerabbit-runbooks.md"
TABLE = REPOSITORY / "tests" / "data" / "effect" / "seed.toml"
ROWS: list[dict[str, Any]] = tomllib.loads(TABLE.read_text("utf-8"))["statement"]


@pytest.fixture(scope="module")
def seed() -> Document:
    if not SEED.exists():
        pytest.skip("the source document ../shared/seed/rolerabbit-runbooks.md is not beside this clone")
    return classified(parse(SEED.read_bytes(), SEED.name))


def steps(document: Document) -> Iterator[Step]:
    yield from (step for section in document.front for step in section.steps)
    yield from (step for runbook in document.runbooks for _, step in runbook.steps())


def at(document: Document, line: int) -> tuple[Step, Statement]:
    [found] = [(step, one) for step in steps(document) for one in step.statements if one.line == line]
    return found


def test_every_statement_has_a_row_and_every_row_a_statement(seed: Document) -> None:
    assert [one.line for step in steps(seed) for one in step.statements] == [row["line"] for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"line {row['line']}")
def test_a_statement_of_the_seed(seed: Document, row: dict[str, Any]) -> None:
    step, one = at(seed, row["line"])
    verdict = one.verdict
    assert verdict is not None
    assert " ".join(one.text.split()).startswith(row["begins"])
    assert (verdict.effect, verdict.why) == (Effect.of(row["effect"]), row["why"])
    assert (verdict.sensitive, verdict.endless) == (row.get("sensitive", False), row.get("endless", False))
    assert [p.text for p in one.placeholders] == row.get("holes", [])
    assert [f"{t.kind} {t.name}" for t in targets(one, step.lang)] == row.get("names", [])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"line {row['line']}")
def test_a_reason_is_one_short_line(row: dict[str, Any]) -> None:
    assert "\n" not in row["why"]
    assert 8 < len(row["why"]) <= 100


def test_what_is_not_run_has_no_statements(seed: Document) -> None:
    unread = {step.lang for step in steps(seed) if not step.statements}
    assert unread <= {"", "typescript", "yaml", "markdown"}
    assert {step.lang for step in steps(seed) if step.statements} == {"bash", "sql"}
