"""SARIF 2.1.0, GitLab's code quality and GitHub's annotations have the form that their readers ask for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hutch.cli.main import cli
from hutch.runbook.lint import RULES

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "sarifLog": ("version", "runs"),
    "run": ("tool",),
    "tool": ("driver",),
    "toolComponent": ("name",),
    "reportingDescriptor": ("id",),
    "result": ("message",),
    "invocation": ("executionSuccessful",),
    "notification": ("message",),
}
"""What SARIF 2.1.0 requires of each of its objects."""

ALLOWED: Mapping[str, tuple[str, ...]] = {
    "sarifLog": ("$schema", "version", "runs"),
    "run": ("tool", "columnKind", "invocations", "results"),
    "tool": ("driver",),
    "toolComponent": ("name", "version", "rules"),
    "reportingDescriptor": (
        "id", "name", "shortDescription", "fullDescription", "help", "defaultConfiguration",
    ),
    "result": ("ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"),
    "invocation": ("executionSuccessful", "toolExecutionNotifications"),
    "notification": ("level", "message", "locations"),
    "message": ("text", "markdown"),
    "physicalLocation": ("artifactLocation", "region"),
}  # fmt: skip
"""Those of its properties that are used here; SARIF 2.1.0 knows no others under these names."""

LEVELS = {"none", "note", "warning", "error"}
RELATIVE = re.compile(r"(?!/)[\w.%/-]+")

BAD = "# A\n\n## A\n\n### Detection\n\n```bash\nredis-cli KEYS '*'\nredis-cli KEYS '*'\nredis-cli FLUSHALL\n```\n"


@pytest.fixture(autouse=True)
def collection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a document that has findings in a name to be quoted, and one that cannot be read."""
    monkeypatch.chdir(tmp_path)
    Path("on call").mkdir()
    Path("on call/ä,b:c.md").write_text(BAD)
    Path("on call/binary.md").write_bytes(b"\0")


def output(form: str) -> str:
    done = CliRunner().invoke(cli, ["runbook", "lint", "--format", form])
    assert done.exit_code == 2
    return done.stdout


def checked(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    assert set(REQUIRED.get(kind, ())) <= data.keys() <= set(ALLOWED[kind]), (kind, data.keys())
    return data


def messages(*found: dict[str, Any]) -> None:
    for one in found:
        assert all(isinstance(text, str) and text for text in checked("message", one).values())


def test_sarif_has_the_form_of_2_1_0() -> None:
    log = checked("sarifLog", json.loads(output("sarif")))
    assert log["version"] == "2.1.0" and len(log["runs"]) == 1
    run = checked("run", log["runs"][0])
    assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
    driver = checked("toolComponent", checked("tool", run["tool"])["driver"])
    for rule in driver["rules"]:
        checked("reportingDescriptor", rule)
        messages(rule["shortDescription"], rule["fullDescription"], rule["help"])
        assert rule["defaultConfiguration"] == {"level": rule["defaultConfiguration"]["level"]}
        assert rule["defaultConfiguration"]["level"] in LEVELS
    for result in run["results"]:
        checked("result", result)
        messages(result["message"])
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in LEVELS
        place = checked("physicalLocation", result["locations"][0]["physicalLocation"])
        assert RELATIVE.fullmatch(place["artifactLocation"]["uri"]) and place["region"]["startLine"] >= 1


def test_sarif_says_what_could_not_be_read() -> None:
    [invocation] = json.loads(output("sarif"))["runs"][0]["invocations"]
    assert checked("invocation", invocation)["executionSuccessful"] is False
    [note] = invocation["toolExecutionNotifications"]
    messages(checked("notification", note)["message"])
    uri = note["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert (note["level"], uri) == ("error", "on%20call/binary.md")


def test_sarif_carries_the_pages_and_invents_no_address() -> None:
    rules = json.loads(output("sarif"))["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.code for rule in RULES]
    for rule in rules:
        assert "helpUri" not in rule
        assert rule["help"]["markdown"].startswith(f"# {rule['id']}: {rule['name']}\n")
        assert f"docs/reference/lint/{rule['id']}.md" in rule["help"]["text"]


def test_sarif_places_what_it_finds() -> None:
    results = json.loads(output("sarif"))["runs"][0]["results"]
    lines = [(r["ruleId"], r["locations"][0]["physicalLocation"]["region"]["startLine"]) for r in results]
    assert lines == [("RB203", 8), ("RB203", 9), ("RB004", 10), ("RB202", 10)] or sorted(lines) == sorted(
        [("RB003", 3), ("RB004", 10), ("RB202", 10), ("RB203", 8), ("RB203", 9)]
    )
    assert results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "on%20call/%C3%A4%2Cb%3Ac.md"
    prints = [r["partialFingerprints"]["hutchFinding/v1"] for r in results]
    assert len(set(prints)) == len(prints)
    assert "Safer: redis-cli --scan" in next(r["message"]["text"] for r in results if r["ruleId"] == "RB203")


@pytest.mark.parametrize("form", ["sarif", "gitlab", "github", "text"])
def test_paths_are_seen_from_the_working_folder(form: str) -> None:
    done = CliRunner().invoke(cli, ["runbook", "lint", "--format", form, str(Path.cwd() / "on call")])
    assert done.exit_code == 2
    assert str(Path.cwd()) not in done.stdout


def test_a_path_elsewhere_is_a_whole_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").mkdir()
    monkeypatch.chdir(tmp_path / "x")
    done = CliRunner().invoke(cli, ["runbook", "lint", "--format", "sarif", str(tmp_path / "on call")])
    [result, *_] = json.loads(done.stdout)["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == f"file://{tmp_path}/on%20call/%C3%A4%2Cb%3Ac.md"


def test_fingerprints_stay_when_lines_move() -> None:
    before = {r["partialFingerprints"]["hutchFinding/v1"] for r in json.loads(output("sarif"))["runs"][0]["results"]}
    Path("on call/ä,b:c.md").write_text(BAD.replace("### Detection", "\n\nWords.\n\n### Detection"))
    after = {r["partialFingerprints"]["hutchFinding/v1"] for r in json.loads(output("sarif"))["runs"][0]["results"]}
    assert len(before & after) >= 4


def test_gitlab_reads_a_list_of_issues() -> None:
    issues = json.loads(output("gitlab"))
    for issue in issues:
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert issue["location"]["lines"]["begin"] >= 1 and not issue["location"]["path"].startswith(("/", "./"))
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    assert issues[-1]["check_name"] == "unreadable" and issues[-1]["location"]["path"] == "on call/binary.md"


def test_github_reads_a_command_a_line() -> None:
    lines = output("github").splitlines()
    command = re.compile(r"::(error|warning) file=[^,:]+,line=\d+,title=[^,:]+::\S.*")
    assert all(command.fullmatch(line) for line in lines), lines
    [keys] = [line for line in lines if "line=8," in line]
    assert keys == (
        "::warning file=on call/ä%2Cb%3Ac.md,line=8,title=RB203 keys-star::KEYS stops every other client while it"
        " looks at all keys%0ASafer: redis-cli --scan --pattern '…'"
    )


def test_a_document_writes_no_commands_of_its_own() -> None:
    Path("on call/ä,b:c.md").write_text("See [x](a%0A::stop-commands::x\u202e.md) and [y](b%0D%0A::error::z.md).\n")
    lines = output("github").splitlines()
    assert len(lines) == 3 and all(line.startswith("::error file=") for line in lines)
    assert "a%0A::stop-commands::x\\u202e.md" in lines[0]
