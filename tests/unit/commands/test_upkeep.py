"""The runbooks' review as a recurring item: due by the document's own lines, and anew after each review."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from hutch.cli.main import cli
from hutch.commands.upkeep import day, later, told

SEED = """# Shop

text

---

**Last Updated:** January 15, 2025
**Maintained By:** DevOps Team
**Review Schedule:** Quarterly
"""
FRONT = "---\nlast_updated: 2025-11-30\nmaintainer: sam\nreview_schedule: yearly\n---\n# Pay\n"


def hutch(*words: str) -> str:
    done = CliRunner().invoke(cli, list(words))
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("hutch.yaml").write_text("services: {shop: {}}\nrunbooks: [runbooks]\n", encoding="utf-8")
    folder = tmp_path / "runbooks"
    folder.mkdir()
    for name, text in (
        ("shop", SEED),
        ("pay", FRONT),
        ("never", "**Review Schedule:** when we like\n"),
    ):
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return folder


def test_it_is_owed_to_the_maintainer_and_due_anew_after_each_review(books: Path) -> None:
    rows = json.loads(hutch("todo", "list", "--all", "--json"))
    assert {(r["id"], r["owner"], r["due"][:10]) for r in rows} == {
        ("runbook:shop", "DevOps Team", "2025-04-15"),
        ("runbook:pay", "sam", "2026-11-30"),
    }
    assert next(r for r in rows if r["id"] == "runbook:shop")["overdue"]
    assert "OVERDUE" in hutch("todo", "list", "--owner", "DevOps Team")
    again = json.loads(hutch("todo", "done", "runbook:shop", "--note", "still true", "--json"))
    wanted = later(datetime.now(UTC), 3)
    assert again["due"][:10] == wanted.date().isoformat() and not again["overdue"]
    assert "runbook:shop" not in hutch("todo", "list", "--owner", "DevOps Team"), "not due within a month"
    done = CliRunner().invoke(cli, ["todo", "done", "runbook:never"])
    assert "no runbook document with a review schedule is called 'never'" in str(done.exception)


@pytest.mark.parametrize("text", ["January 15, 2025", "Jan 15, 2025", "2025-01-15", "15 January 2025", "15.01.2025"])
def test_dates_as_people_write_them(text: str) -> None:
    assert day(text) == datetime(2025, 1, 15, tzinfo=UTC)


def test_what_is_no_date_is_none() -> None:
    assert day("soon") is None and day("") is None and told("no lines at all") == {}
    assert later(datetime(2024, 11, 30, tzinfo=UTC), 3).date().isoformat() == "2025-02-28"
