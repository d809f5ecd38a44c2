"""Reports on a release's packages: three tools' forms, the files and the command line that they come from."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hutch.model.advisory import Rating
from hutch.ports import Connection, TargetConfig, Unanswered
from hutch.providers.command import provider
from hutch.providers.command.audits import read

NOW = datetime(2026, 1, 15, 10, tzinfo=UTC)
PIP = {
    "dependencies": [
        {"name": "Flask_Login", "version": "0.5", "vulns": []},
        {"name": "requests", "version": "2.30.0", "vulns": [
            {"id": "PYSEC-2023-74", "fix_versions": ["2.31.0"], "aliases": ["CVE-2023-32681"], "description": "…"}]},
        {"name": "own", "skip_reason": "not on PyPI"},
    ],
    "fixes": [],
}  # fmt: skip
NPM = {
    "auditReportVersion": 2,
    "vulnerabilities": {
        "lodash": {"name": "lodash", "severity": "high", "via": [
            {"source": 1065, "name": "lodash", "dependency": "lodash", "title": "Command Injection",
             "url": "https://github.com/advisories/GHSA-35jh-r3h4-6jhm", "severity": "high", "range": "<4.17.21"}]},
        "grunt": {"name": "grunt", "severity": "high", "via": ["lodash"]},
    },
    "metadata": {},
}  # fmt: skip
NPM_6 = {
    "advisories": {"1065": {"id": 1065, "module_name": "lodash", "severity": "moderate", "cves": ["CVE-2021-23337"],
                            "url": "https://npmjs.com/advisories/1065", "findings": [{"version": "4.17.20"}]}},
    "metadata": {},
}  # fmt: skip
OSV = {
    "results": [{"packages": [
        {"package": {"name": "jinja2", "version": "2.4.1", "ecosystem": "PyPI"},
         "vulnerabilities": [{"id": "GHSA-462w-v97r-4m45", "database_specific": {"severity": "HIGH"}},
                             {"id": "GHSA-h5c8-rqwp-cp95", "database_specific": {"severity": "MODERATE"}}],
         "groups": [{"ids": ["GHSA-462w-v97r-4m45"], "aliases": ["CVE-2019-10906"], "max_severity": "9.0"},
                    {"ids": ["GHSA-h5c8-rqwp-cp95"], "max_severity": ""}]},
        {"package": {"name": "sound", "version": "1", "ecosystem": "PyPI"}}]}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("report", "found", "installed"),
    [
        (PIP, [(("PYSEC-2023-74", "CVE-2023-32681"), "requests", "2.30.0", None)],
         {"flask-login": {"0.5"}, "requests": {"2.30.0"}}),
        (PIP["dependencies"][:1], [], {"flask-login": {"0.5"}}),  # type: ignore[index]
        (NPM, [(("GHSA-35jh-r3h4-6jhm", "npm 1065"), "lodash", "<4.17.21", Rating.HIGH)], {}),
        (NPM_6, [(("CVE-2021-23337", "npm 1065"), "lodash", "4.17.20", Rating.MODERATE)], {}),
        (OSV, [(("GHSA-462w-v97r-4m45", "CVE-2019-10906"), "PyPI jinja2", "2.4.1", Rating.CRITICAL),
               (("GHSA-h5c8-rqwp-cp95",), "PyPI jinja2", "2.4.1", Rating.MODERATE)],
         {"PyPI jinja2": {"2.4.1"}, "PyPI sound": {"1"}}),
        ({"results": []}, [], {}),
    ],
)  # fmt: skip
def test_what_the_tools_report(report: object, found: list[Any], installed: dict[str, set[str]]) -> None:
    told = read(f"Found 1 known vulnerability in 1 package\n{json.dumps(report, indent=1)}\nnotice: done\n")
    assert [(a.names, a.package, a.version, a.rating) for a in told.advisories] == found
    assert told.installed == installed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it holds no JSON"),
        ("{", "its JSON can't be read"),
        ("[" * 100_000, "its JSON can't be read"),
        ("{}", "no report of pip-audit, npm audit or OSV-Scanner"),
        ('{"error": {"code": "ENOLOCK"}}', "the tool failed: {'code': 'ENOLOCK'}"),
        ('{"dependencies": [7]}', "not of the expected form"),
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": [{}]}]}', "not of the expected form"),
    ],
)
def test_what_is_no_report_is_not_an_empty_one(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", "[(]")[:30]) as caught:
        read(text)
    assert said in str(caught.value)


Opened = Callable[..., Connection]


@pytest.fixture
def opened() -> Opened:
    def make(**given: object) -> Connection:
        defaults = {setting.name: setting.default for setting in provider.settings}
        return provider.open(TargetConfig("web", {**defaults, "advisories": given}, lambda: NOW))

    return make


async def test_files_are_found_by_any_name_and_are_as_old_as_the_oldest(opened: Opened, tmp_path: Path) -> None:
    for name, report, days in (("py-v42.json", PIP, 3), ("js-v42.json", NPM, 5)):
        (tmp_path / name).write_text(json.dumps(report))
        at = (NOW - timedelta(days=days)).timestamp()
        os.utime(tmp_path / name, (at, at))
    connection = opened(files=[f"{tmp_path}/py-{{release}}.json", f"{tmp_path}/js-{{release}}.json"], severity="medium")
    assert connection.advisories and connection.advisories.care.least is Rating.MODERATE
    found = await connection.advisories.read(["../v42", "web:41", "v42"])
    assert ({a.package for a in found.advisories}, found.at) == ({"requests", "lodash"}, NOW - timedelta(days=5))
    (tmp_path / "js-v42.json").unlink()
    with pytest.raises(Unanswered, match=r"no report on the release: .*js-v42.json not there"):
        await connection.advisories.read(["v42"])
    with pytest.raises(Unanswered, match="no name that a report can be found by"):
        await connection.advisories.read(["../../etc/passwd", "-x"])


async def test_a_command_is_asked_by_the_commit_and_may_end_with_1(opened: Opened, tmp_path: Path) -> None:
    script = tmp_path / "audit.py"
    (tmp_path / "abc1234.json").write_text(json.dumps(PIP))
    script.write_text(
        "import sys; from pathlib import Path; print('a note', file=sys.stderr, flush=True)\n"
        "print(Path(__file__).with_name(sys.argv[1] + '.json').read_text(), flush=True); sys.exit(1)"
    )
    connection = opened(run=[sys.executable, str(script), "{release}"])
    assert connection.advisories
    found = await connection.advisories.read(["web:42", "v42", "abc1234"])
    assert ([a.package for a in found.advisories], found.at) == (["requests"], NOW)
    script.write_text("import sys; sys.exit('no network')")
    with pytest.raises(Unanswered, match=r"exit 1: no network.*it holds no JSON"):
        await connection.advisories.read(["v42"])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"severity": "high"}, "advisories: expected files, or run"),
        ({"files": ["/a/b.json"]}, "{release} must stand in every file and in run"),
        ({"files": ["a/{release}"]}, "expected a list of absolute paths"),
        ({"run": "audit"}, "{release} must stand in every file"),
        ({"files": ["/a/{release}"], "severity": "bad"}, "expected low, moderate, high or critical, found 'bad'"),
        ({"files": ["/a/{release}"], "max_age": 0}, "expected hours above 0"),
        ({"files": ["/a/{release}"], "age": 0}, "unknown key 'age'"),
    ],
)
def test_bad_settings_are_named(opened: Opened, given: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError) as caught:
        opened(**given)
    assert said in str(caught.value)
