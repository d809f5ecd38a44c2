"""``hutch runbook lint``: each rule has its bad line, the library is clean, and CI can use the result."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hutch.cli.main import cli
from hutch.runbook.lint import RULES

ROOT = Path(__file__).resolve().parents[4]

BAD = [
    ("RB001", '```sql {"name":}\nselect 1\n```'),
    ("RB002", '```sql {"hutch.efect":"read"}\nselect 1\n```'),
    ("RB009", "See [there](nowhere.md)."),
    ("RB010", "See [there](#nowhere)."),
    (
        "RB011",
        "```yaml\nalerts:\n  - name: Slow\n    condition: error_rate > 5%\n    duration: 5m\n    severity: SEV-2\n```",
    ),
    ("RB012", "<!-- hutch-lint: ignore RB208 -->\n```bash\nls\n```"),
    ("RB013", "<!-- hutch-lint: ignore RB208 it is a test database -->\n```bash\nls\n```"),
    ("RB105", "```sql\nREINDEX TABLE portfolios;\n```"),
    ("RB108", "```bash\npg_restore --clean -d shop dump\n```"),
    ("RB113", "```sql\nVACUUM FULL portfolios;\n```"),
    ("RB202", "```bash\nredis-cli FLUSHALL\n```"),
    ("RB203", "```bash\nredis-cli KEYS '*'\n```"),
    ("RB204", "```bash\ngit push --force origin main\n```"),
    ("RB205", "```bash\nkubectl delete pod shop-1\n```"),
    ("RB206", "```bash\ncurl https://get.example/install | sh\n```"),
    ("RB207", "```bash\nchmod -R 777 /srv/shop\n```"),
    ("RB208", "```sql\nTRUNCATE portfolios;\n```"),
    ("RB301", "```bash\nvercel deployments ls\n```"),
    ("RB401", "```bash\ncurl -u admin:hunter2secret https://shop.example\n```"),
    ("RB501", "```sql\nDELETE FROM user_sessions WHERE user_id = 'x';\n```"),
]


def lint(*words: str) -> Result:
    return CliRunner().invoke(cli, ["runbook", "lint", "--today", "2026-11-24", *words])


def found(path: Path, *words: str) -> set[tuple[str, int]]:
    done = lint(str(path), "--format", "json", *words)
    return {(f["code"], f["line"]) for f in json.loads(done.stdout)["findings"]}


@pytest.mark.parametrize(("code", "text"), BAD, ids=[code for code, _ in BAD])
def test_each_rule_finds_its_bad_line(code: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.md"
    path.write_text(f"# Shop\n\n## Trouble\n\n### Mitigation\n\n{text}\n")
    assert code in {c for c, _ in found(path)}
    path.write_text("# Shop\n\n## Trouble\n\n### Detection\n\n```sql\nSELECT 1;\n```\n")
    assert found(path) == set()


def test_the_library_is_clean() -> None:
    done = lint(str(ROOT / "src/hutch/library"))
    assert (done.exit_code, done.output.splitlines()) == (0, [done.output.strip()]), done.output


SEED = {
    "RB301": {152, 167, 689, 703, 706, 756}, "RB303": {763}, "RB304": {180}, "RB110": {317, 324}, "RB106": {286, 577},
    "RB105": {585}, "RB107": {633}, "RB112": {647, 663, 666}, "RB208": {388}, "RB503": {407}, "RB402": {411},
    "RB502": {411}, "RB501": {417}, "RB504": {517}, "RB111": {378, 640}, "RB011": {820, 825, 830, 835}, "RB008": {911},
}  # fmt: skip
"""What the design's facts say is wrong with RoleRabbit's runbooks, by line."""


def test_the_known_weaknesses_of_the_source_document_are_found() -> None:
    seed = ROOT.parent / "shared" / "seed" / "rolerabbit-runbooks.md"
    places = found(seed)
    for code, lines in SEED.items():
        assert {line for c, line in places if c == code} == lines, code


def test_a_suppression_with_a_reason_is_heard(tmp_path: Path) -> None:
    path = tmp_path / "quiet.md"
    quiet = "<!-- hutch-lint: ignore RB203 the cache is empty -->"
    path.write_text(f"# A\n\n## A\n\n### Detection\n\n{quiet}\n```bash\nredis-cli KEYS '*'\n```\n")
    assert found(path) == set()


def test_formats_and_exit_codes(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\n\n## A\n\n### Detection\n\n```bash\nredis-cli KEYS '*'\n```\n")
    done = lint(str(tmp_path))
    assert done.exit_code == 3
    assert "RB203 warning" in done.output and "1 warning in 1 file" in done.output
    sarif = json.loads(lint(str(tmp_path), "--format", "sarif").stdout)
    assert sarif["version"] == "2.1.0"
    [result] = sarif["runs"][0]["results"]
    assert (result["ruleId"], result["locations"][0]["physicalLocation"]["region"]) == ("RB203", {"startLine": 8})
    assert lint(str(tmp_path), "--ignore", "RB203").exit_code == 0
    assert lint(str(tmp_path), "--select", "RB1").exit_code == 0
    (tmp_path / "b.md").write_bytes(b"\xff\xfe\x00")
    assert lint(str(tmp_path)).exit_code == 2


def test_every_rule_is_documented() -> None:
    page = (ROOT / "docs/reference/lint.md").read_text("utf-8")
    for rule in RULES:
        assert f"| `{rule.code}` | {rule.level} | {rule.name} | {rule.summary} |" in page
    assert len({rule.code for rule in RULES}) == len(RULES)
