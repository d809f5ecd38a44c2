"""Each rule has a page, and the page is right: in its bad example is found what it says, in its good one nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner

from hutch.cli.main import cli
from hutch.commands.lint import words_of
from hutch.runbook.lint import RULES, Rule
from hutch.runbook.lint.report import Report, as_text

ROOT = Path(__file__).resolve().parents[4]
PARTS = re.compile(
    r"(?P<finds>Finds? .*?)\n\n## Why it matters\n\n(?P<why>.*?)\n\n## Bad\n\n````markdown\n(?P<bad>.*?)````\n\n"
    r"```text\n(?P<found>.*?)\n```\n\n## Good\n\n````markdown\n(?P<good>.*?)````\n",
    re.DOTALL,
)


def parts(rule: Rule) -> dict[str, str]:
    found = PARTS.fullmatch(words_of(rule))
    assert found, f"the page of {rule.code} has not the parts of a page"
    return found.groupdict()


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.code)
def test_the_examples_are_as_the_page_says(rule: Rule, linted: Callable[[str], Report]) -> None:
    page = parts(rule)
    report = linted(page["bad"])
    assert {found.rule.code for found in report.findings} == {rule.code}
    assert as_text(report).split("\n\n")[0] == page["found"]
    good = linted(page["good"])
    assert good.findings == (), as_text(good)
    assert good.suppressed == (rule.code in {"RB012"})


def test_a_page_for_each_rule_and_a_rule_for_each_page() -> None:
    names = {f"{rule.code}.md" for rule in RULES}
    package = resources.files("hutch.runbook.lint") / "pages"
    assert {page.name for page in package.iterdir()} == names
    assert {page.name for page in (ROOT / "docs/reference/lint").iterdir()} == names
    table = (ROOT / "docs/reference/lint.md").read_text("utf-8")
    for rule in RULES:
        row = f"| [`{rule.code}`](lint/{rule.code}.md) | {rule.level} | {rule.name} | {rule.summary} |"
        assert row in table
        assert (ROOT / "docs" / rule.page).is_file()


def test_codes_and_names_are_each_given_once() -> None:
    assert len({rule.code for rule in RULES}) == len({rule.name for rule in RULES}) == len(RULES)
    assert [rule.code for rule in RULES] == sorted(rule.code for rule in RULES)


def test_explain_prints_the_page() -> None:
    done = CliRunner().invoke(cli, ["runbook", "lint", "--explain", "rb101"])
    assert done.exit_code == 0
    documented = (ROOT / "docs/reference/lint/RB101.md").read_text("utf-8")
    assert done.output == documented.replace(" [All rules](../lint.md)", "")
    assert "## Why it matters" in done.output and "ignore RB101 the reason" in done.output


def test_explain_says_what_there_is() -> None:
    done = CliRunner().invoke(cli, ["runbook", "lint", "--explain", "RB999"])
    assert done.exit_code == 1 and "no rule 'RB999'; hutch runbook lint --list names all" in str(done.exception)
