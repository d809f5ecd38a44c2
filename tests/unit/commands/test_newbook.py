"""New runbooks pass the linter at once, copies too, wherever they go and whatever lies beside them."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date
from pathlib import Path

import pytest

from hutch.commands.context import CommandError
from hutch.commands.documents import bundled, load_document
from hutch.commands.lint import lint_paths
from hutch.commands.newbook import checked, copied, skeleton, titled, write_new
from hutch.commands.shelf import LIBRARY, listing
from hutch.model.effect import Effect
from hutch.model.runbook import Role
from hutch.runbook.lint.catalogue import RULES

TODAY = date(2026, 1, 15)


def findings(folder: Path) -> list[str]:
    return [f"{f.source}:{f.line} {f.rule.code} {f.message}" for f in lint_paths([folder], RULES, TODAY).findings]


def test_a_new_runbook_has_every_part_and_no_finding(tmp_path: Path) -> None:
    write_new(tmp_path / "checkout-slow.md", skeleton("checkout-slow", TODAY))
    assert findings(tmp_path) == []
    document = load_document(str(tmp_path / "checkout-slow.md"))
    [runbook] = document.runbooks
    assert document.title == "Checkout slow"
    roles = {section.role for section in runbook.sections}
    wanted = {Role.SYMPTOMS, Role.DETECTION, Role.DIAGNOSIS, Role.OPTION, Role.VERIFICATION, Role.COMMUNICATION}
    assert wanted <= roles
    said = [(step, s) for _, step in runbook.steps() for s in step.statements if s.verdict]
    assert any(s.expects and s.verdict and s.verdict.effect is Effect.READ for _, s in said)
    assert any(step.flow.undo and s.verdict and s.verdict.effect is Effect.CHANGE for step, s in said)


@pytest.mark.parametrize("alone", [True, False], ids=["one alone", "all together"])
def test_copies_have_no_finding_and_are_reviewed_from_today(tmp_path: Path, alone: bool) -> None:
    for name in bundled():
        folder = tmp_path / name if alone else tmp_path
        beside: Collection[str] = [] if alone else [f"{other}.md" for other in bundled()]
        write_new(folder / f"{name}.md", copied(name, name, TODAY, beside))
        assert re.search(r"^- Last reviewed: 2026-01-15$", (folder / f"{name}.md").read_text(), re.MULTILINE)
    assert findings(tmp_path) == []


def test_a_copy_by_another_name_is_titled_so() -> None:
    text = copied("service-outage", "checkout-outage", TODAY, [])
    assert text.startswith("# Checkout outage\n")
    assert copied("service-outage", "service-outage", TODAY, []).startswith("# Service outage\n")


def test_links_stay_where_their_document_lies_beside() -> None:
    text = copied("service-outage", "service-outage", TODAY, ["redis.md"])
    assert "[Redis](redis.md)" in text
    assert "Postgres locks (`postgres-locks` of the library)" in text


def test_an_overdue_copy_is_found(tmp_path: Path) -> None:
    write_new(tmp_path / "redis.md", copied("redis", "redis", date(2025, 1, 1), []))
    assert [f.partition(" ")[2][:5] for f in findings(tmp_path)] == ["RB008"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.md"
    write_new(path, "mine")
    with pytest.raises(CommandError, match=r"a\.md exists and is left alone: edit it, or choose another name"):
        write_new(path, "theirs")
    assert path.read_text() == "mine"
    with pytest.raises(CommandError, match="no folder can be made there"):
        write_new(path / "b.md", "")


def test_names() -> None:
    assert checked("a-b_2.md") == "a-b_2"
    for bad in ("../x", "", "a b", "-x", "a/b", ".md", "x\n"):
        with pytest.raises(CommandError, match="use letters, digits"):
            checked(bad)
    assert titled("redis-is_full") == "Redis is full"
    with pytest.raises(CommandError, match="has no runbook 'service-outag'; did you mean service-outage"):
        copied("service-outag", "x", TODAY, [])
    with pytest.raises(CommandError, match=r"has no runbook '\.\./etc/passwd'; there are: backups, brute-force, "):
        copied("../etc/passwd", "x", TODAY, [])


def test_the_list_names_own_documents_first_and_broken_ones_with_the_reason(tmp_path: Path) -> None:
    folder = tmp_path / "docs" / "runbooks"
    write_new(folder / "redis.md", "# Our Redis\n\n## Fix\n\n```sh\nredis-cli flushall\nredis-cli ping\n```\n")
    write_new(folder / "broken.md", '# B\n\n```sql {"name":}\nselect 1\n```\n')
    found = listing(["docs/runbooks"], tmp_path)
    assert [e.name for e in found[:2]] == ["broken", "redis"]
    assert [e.source for e in found[:3]] == ["docs/runbooks", "docs/runbooks", LIBRARY]
    assert "broken.md:line 3" in found[0].error or "malformed annotation" in found[0].error
    ours = found[1]
    assert (ours.title, ours.reads, ours.changes, ours.destroys, ours.runbooks) == (
        "Our Redis",
        1,
        0,
        1,
        ("our-redis",),
    )
    assert sorted(ours.as_json()) == [
        "changes", "destroys", "error", "from", "name", "path", "reads", "runbooks", "title",
    ]  # fmt: skip
    assert len(found) == len(bundled()) + 1
