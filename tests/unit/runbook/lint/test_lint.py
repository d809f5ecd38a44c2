"""``hutch runbook lint``: the library is clean, the known weaknesses are found, and CI can use the result."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hutch.cli.main import cli
from hutch.commands.lint import lint_paths
from hutch.runbook.lint import RULES

ROOT = Path(__file__).resolve().parents[4]
BAD = "# A\n\n## A\n\n### Detection\n\n```bash\nredis-cli KEYS '*'\n```\n"


def lint(*words: str) -> Result:
    return CliRunner().invoke(cli, ["runbook", "lint", "--today", "2026-11-24", *words])


def found(path: Path, *words: str) -> set[tuple[str, int]]:
    done = lint(str(path), "--format", "json", *words)
    return {(f["code"], f["line"]) for f in json.loads(done.stdout)["findings"]}


def test_the_library_is_clean() -> None:
    done = lint(str(ROOT / "src/hutch/library"))
    assert (done.exit_code, done.output.splitlines()) == (0, [done.output.strip()]), done.output


SEED = {
    "RB003": {242, 291, 342, 397, 498, 542, 607, 647, 744, 780}, "RB004": set(), "RB005": {139, 170, 846},
    "RB007": {140}, "RB008": {911}, "RB011": {820, 825, 830, 835}, "RB105": {585}, "RB106": {286, 577},
    "RB107": {633}, "RB110": {317, 324}, "RB111": {378, 640}, "RB112": {647, 663, 666}, "RB208": {388},
    "RB301": {152, 167, 689, 703, 706, 756}, "RB303": {763}, "RB304": {180}, "RB402": {136, 411, 663},
    "RB403": {406, 407}, "RB501": {417}, "RB502": {411}, "RB503": {407}, "RB504": {517}, "RB506": {411},
    "RB507": {406}, "RB509": {517},
}  # fmt: skip
"""All that an expert would say of RoleRabbit's runbooks, by line."""


def test_the_known_weaknesses_of_the_source_document_are_found_and_nothing_else() -> None:
    seed = ROOT.parent / "shared" / "seed" / "rolerabbit-runbooks.md"
    if not seed.exists():
        pytest.skip("the source document is not beside this clone")
    places = found(seed)
    assert {code: {line for c, line in places if c == code} for code in SEED} == SEED
    assert {code for code, _ in places} <= SEED.keys()


def test_documents_as_collections_write_them_raise_no_false_alarm() -> None:
    corpus = ROOT / "tests/data/runbooks/corpus"
    report = lint_paths([corpus], RULES, date(2026, 11, 24))
    errors = {(Path(f.source).name, f.rule.code, f.line) for f in report.findings if f.rule.level == "error"}
    assert errors == {
        ("etcd-no-leader.md", "RB009", 44),  # the document that it links to is not there
        ("etcd-no-leader.md", "RB208", 38),
        ("helm-release.md", "RB208", 24),
        ("rabbitmq-queue.md", "RB208", 34),
        ("wiki-export-disk-full.md", "RB208", 37),
    }


def test_the_text_is_good_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.md").write_text(BAD)
    Path("b.md").write_text("# B\n")
    done = lint()
    assert done.exit_code == 3
    assert done.output.splitlines() == [  # not a terminal, so without colour
        "a.md:8: warning RB203: KEYS stops every other client while it looks at all keys",
        "    safer: redis-cli --scan --pattern '…'",
        "",
        "0 errors, 1 warning in 2 files; hutch runbook lint --explain RB203 says why and shows how",
    ]


def test_codes_can_be_chosen_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(BAD)
    assert lint(str(tmp_path), "--ignore", "RB203").exit_code == 0
    assert lint(str(tmp_path), "--select", "RB1").exit_code == 0
    assert lint(str(tmp_path), "--select", "RB2").exit_code == 3
    assert "no rule 'RB9'" in str(lint(str(tmp_path), "--select", "RB9").exception)


def test_what_cannot_be_read_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(BAD)
    (tmp_path / "b.md").write_bytes(b"# B\n\nx\0y\n")
    (tmp_path / "c.md").write_bytes(b"# C\n\xff\n")
    done = lint(str(tmp_path))
    assert done.exit_code == 2
    assert "a.md:8: warning RB203" in done.stdout
    assert "b.md: cannot be read: not a text file: line 3 holds a NUL byte" in done.stderr
    assert "c.md: cannot be read: not UTF-8: line 2 holds byte 0xff; save it as UTF-8" in done.stderr


def test_what_is_no_file_ends_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "a.md").write_text("See [it](pipe.md#x).\n")
    assert lint(str(tmp_path)).exit_code == 0
    done = lint(str(tmp_path / "pipe.md"))
    assert done.exit_code == 2 and "not a file" in done.stderr
    assert "neither a file or folder nor one of the library's" in str(lint(str(tmp_path / "none.md")).exception)
    nothing = lint(str(tmp_path / "folder.md")).exception
    assert "no Markdown below this folder" in str(nothing) and getattr(nothing, "code", 0) == 2


def test_findings_past_the_most_are_counted_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(BAD.replace("redis-cli KEYS '*'\n", "redis-cli KEYS '*'\n" * 50))
    done = lint(str(tmp_path), "--max", "3")
    assert done.output.count("RB203: ") == 3
    assert done.output.splitlines()[-2] == "47 more not shown; --max 0 shows all"
    assert "0 errors, 50 warnings in 1 file" in done.output
    data = json.loads(lint(str(tmp_path), "--max", "3", "--json").stdout)
    assert (len(data["findings"]), data["left_out"]) == (3, 47)
    assert lint(str(tmp_path), "--max", "0").output.count("RB203: ") == 50


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_is_for_terminals_only(environment: dict[str, str], coloured: bool, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(BAD)
    words = [sys.executable, "-c", "from hutch.cli import main; main()", "runbook", "lint", str(tmp_path / "a.md")]
    env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | environment
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(words, env=env, stdout=theirs, timeout=60, check=False)
        assert done.returncode == 3
        shown = os.read(ours, 65536)
    finally:
        os.close(ours)
        os.close(theirs)
    assert (b"\x1b[33mwarning\x1b[0m" in shown) is coloured
    assert (b"\x1b" in shown) is coloured


def test_every_rule_is_listed() -> None:
    rows = json.loads(lint("--list", "--json").stdout)
    assert [row["code"] for row in rows] == [rule.code for rule in RULES]
    assert set(rows[0]) == {"code", "severity", "name", "summary", "page"}
    assert lint("--list").output.splitlines()[0] == f"RB001  error    {RULES[0].summary}"


REVIEWS = [
    (
        "**Last Updated:** January 15, 2025\n**Review Schedule:** Quarterly",
        1,
        "last reviewed 2025-01-15, due quarterly",
    ),
    ("Review cycle: every 2 weeks\n\nLast reviewed: 1 Nov 2026", 3, "due every 2 weeks: 9 days late"),
    ("| Next review | 2026-11-23 |", 1, "a review was due 2026-11-23: 1 days late"),
    ("Review Schedule: Quarterly", 0, ""),
    ("Review Schedule: Quarterly\nLast Updated: soon", 0, ""),
    ("Review Schedule: Quarterly\nLast Updated: 2026-11-01", 0, ""),
    ("Review Schedule: Quarterly\nLast Updated: 2020-01-01\nNext Review: 2027-01-01", 0, ""),
    ("Review Schedule: when needed\nLast Updated: 2020-01-01", 0, ""),
    ("Last Updated: 2020-01-01", 0, ""),
]


@pytest.mark.parametrize(("text", "line", "says"), REVIEWS, ids=[text for text, _, _ in REVIEWS])
def test_reviews(text: str, line: int, says: str, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(text)
    done = lint(str(tmp_path / "a.md"), "--select", "RB008")
    assert done.exit_code == (3 if line else 0)
    assert not line or (f"a.md:{line}: warning RB008: " in done.output and says in done.output)


def test_milder_words_do_not_hide_a_loss(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "# A\n\n## A\n\n### Fix\n\n```sql\nDROP TABLE orders;\n```\n\n### Verification\n\nLook.\n"
    )
    assert found(tmp_path) == {("RB111", 8), ("RB208", 8)}
