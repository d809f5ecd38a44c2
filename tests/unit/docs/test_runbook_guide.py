"""What the guide says of the runbook language is how it is read: roles, expectations, placeholders, annotations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hutch.model.runbook import Role
from hutch.runbook.expectations import met, read_comment
from hutch.runbook.flow import OURS, unknown
from hutch.runbook.lint.notes import KNOWN
from hutch.runbook.parse import parse
from hutch.runbook.placeholders import find
from hutch.runbook.words import is_remedy, read_title, role_of

DOCS = Path(__file__).resolve().parents[3] / "docs"
GUIDE = (DOCS / "guide" / "runbooks.md").read_text("utf-8")
REFERENCE = (DOCS / "reference" / "annotations.md").read_text("utf-8")
EXAMPLE = re.compile(r"^````markdown\n(.*?)^````$", re.DOTALL | re.MULTILINE)


def rows(name: str) -> Iterator[list[str]]:
    """The cells of a table of the guide that stands between marks."""
    table = re.search(rf"<!-- {name} -->\n(.*?)<!-- end -->", GUIDE, re.DOTALL)
    assert table, name
    for line in table[1].strip().splitlines()[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def examples() -> list[str]:
    return [*EXAMPLE.findall(GUIDE), *EXAMPLE.findall(REFERENCE)]


def test_every_role_has_its_row() -> None:
    assert {row[0] for row in rows("roles")} == {role.value for role in Role}


@pytest.mark.parametrize("row", [*rows("roles")], ids=lambda row: row[0])
def test_the_words_of_a_role_give_it(row: list[str]) -> None:
    for words in row[1].split(", "):
        title = read_title(words)
        if row[0] == "option":
            assert title.kind == "option", words
        else:
            assert role_of(title.rest or title.text) is Role(row[0]), words


def test_verbs_of_remedies() -> None:
    for title in ("Roll back the release", "Scale down", "Kill long queries"):
        assert role_of(title) is None and is_remedy(title)


SEEN = {
    "Should return 200 OK": "HTTP/1.1 302 Found\nHTTP/1.1 200 OK\n",
    'Should return {"status": "ok"}': '{"status":"ok","version":"42"}',
    'Should return "no leaked session"': " leak\n-----\n No  leaked session\n(1 row)",
    "Should return PONG": "pong",
    "Should be 0": " count\n-------\n 0\n",
    "Should return a list of healthy pods": "pod-1 Running",
}


@pytest.mark.parametrize("row", [*rows("expectations")], ids=lambda row: row[0])
def test_expectations_are_met_as_the_table_says(row: list[str]) -> None:
    written = row[0].strip("`")
    expected = read_comment(written)
    assert expected
    wanted = None if "nobody can judge" in row[1] else True
    assert met(expected, SEEN[written]) is wanted
    assert not met(expected, "something else entirely 17")


@pytest.mark.parametrize("row", [*rows("placeholders")], ids=lambda row: row[0])
def test_placeholders_are_found_in_every_form(row: list[str]) -> None:
    text, name = row[1].strip("`"), row[2].strip("`")
    assert [p.name for p in find(text, "sql" if text.startswith("SELECT") else "bash")] == [name]


@pytest.mark.parametrize("text", ["ls [0-9]*", "echo ${X:-1}", "echo '$X'", "grep '[Ee]rror' app.log"])
def test_what_only_looks_like_one(text: str) -> None:
    assert find(text, "bash") == ()


@pytest.mark.parametrize("text", examples())
def test_every_example_is_read_without_a_fault(text: str) -> None:
    document = parse(f"# Example\n\n## Resolution\n\n{text}", "example.md")
    steps = [step for runbook in document.runbooks for _, step in runbook.steps()]
    assert steps
    assert [unknown(step.annotations) for step in steps if set(step.annotations) - set(KNOWN) - {"name"}] == []


def test_every_annotation_has_its_section_and_its_row() -> None:
    sections = re.findall(r"^## `([^`]+)`$", REFERENCE, re.MULTILINE)
    assert sorted(sections) == sorted(("name", *KNOWN))
    for key in (*OURS, "name", "hutch.lint"):
        assert f"| `{key}` |" in GUIDE


def test_links_to_sections_lead_to_them() -> None:
    anchors = {
        "guide/runbooks.md": parse(GUIDE, "g").anchors,
        "reference/annotations.md": parse(REFERENCE, "r").anchors,
    }
    for text in (GUIDE, REFERENCE):
        for path, anchor in re.findall(r"\]\((?:\.\./)?([\w/.-]*)#([\w-]+)\)", text):
            known = anchors.get(path or ("guide/runbooks.md" if text is GUIDE else "reference/annotations.md"))
            assert known is None or anchor in known, f"{path}#{anchor}"
