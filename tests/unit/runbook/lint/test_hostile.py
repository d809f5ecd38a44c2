"""Hostile documents: no crash, time and output in proportion, nothing that a terminal or a CI would act on."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hutch.cli.main import cli
from hutch.runbook.lint.report import Report, as_text

HEAD = "# A\n\n## A\n\n### Resolution\n\n"


def block(lang: str, line: str, size: int) -> str:
    return f"{HEAD}```{lang}\n{line * (size // len(line))}```\n"


GROWING: Mapping[str, Callable[[int], str]] = {
    "one line of links": lambda n: "[a](b.md) " * (n // 10),
    "comments that never close": lambda n: "-->\n" + "<!--" * (n // 4),
    "dead links": lambda n: "".join(f"- [x](gone{i}.md)\n" for i in range(n // 16)),
    "dead anchors among headings": lambda n: "".join(f"## h{i}\n\n[x](#g{i})\n" for i in range(n // 22)),
    "quotes in quotes": lambda n: (">" * 90 + " x\n\n" + "> " * 90 + "x\n\n") * (n // 280),
    "findings": lambda n: block("bash", "redis-cli KEYS '*'\n", n),
    "one long pipe": lambda n: block("bash", "a | b | c | " * 200 + "d\n", n),
    "deep substitutions": lambda n: block("bash", "$(" * 1000 + "\n", n),
    "commands in commands": lambda n: block("bash", "bash -c 'bash -c \"bash -c ls\"'\n", n),
    "secrets in one statement": lambda n: block("bash", "curl " + "-u $X:[a] " * 200 + "\n", n),
    "placeholders": lambda n: block("bash", "".join(f"run [hole-{i}]\n" for i in range(n // 16)), n),
    "a here-document": lambda n: block("bash", "psql <<X\n" + "ALTER TABLE a ADD b int;\n" * 100 + "X\n", n),
    "malformed annotations": lambda n: HEAD + '```sql {"a":}\nselect 1\n```\n\n' * (n // 30),
    "suppressions": lambda n: HEAD + "<!-- hutch-lint: ignore " + "RB203 " * (n // 6) + "x -->\n```bash\nls\n```\n",
    "sub-runbooks": lambda n: "".join(
        f"## R{i}\n\n### Resolution\n\nFollow [x](#r{i + 1}).\n\n" for i in range(n // 48)
    ),
    "options": lambda n: HEAD + "".join(f"**Option {i}: x**\n\n" for i in range(n // 20)),
}


@pytest.mark.parametrize("kind", GROWING)
def test_time_grows_with_the_text_and_no_faster(kind: str, linted: Callable[[str], Report]) -> None:
    seconds = []
    gc.collect()
    gc.disable()  # what the other tests left in memory is not this text's cost
    try:
        for size in (8_000, 32_000):
            text = GROWING[kind](size)
            began = time.process_time()
            linted(text)
            seconds.append(time.process_time() - began)
    finally:
        gc.enable()
    assert seconds[1] < 8 * seconds[0] + 0.3  # four times the text; sixteen times the time would be square


def test_findings_without_end_are_bounded_and_said_to_be(
    linted: Callable[[str], Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hutch.runbook.lint.run.MOST_HITS", 50)
    report = linted("- [x](gone.md)\n" * 200 + '```sql {"a":}\n```\n' * 200)
    assert report.errors == 2 * (50 + 1)
    last = "more of the same from here on: 50 in one document are told of"
    assert [found.rule.code for found in report.findings if found.message == last] == ["RB009", "RB001"]


def test_a_line_of_a_megabyte_is_told_of_in_a_few_words(linted: Callable[[str], Report]) -> None:
    report = linted(f"# A\n\n## {'x' * 1_000_000}\n\n### Fix\n\n```bash\nsystemctl restart shop\n```\n")
    [found] = report.findings
    assert (found.rule.code, found.line) == ("RB003", 3)
    assert len(as_text(report)) < 1000


def test_deep_lists_and_quotes_are_read(linted: Callable[[str], Report]) -> None:
    nested = "".join("  " * depth + "- x\n" for depth in range(8)) + "> " * 80 + "x\n"
    report = linted(f"{nested}\n\n```bash\nredis-cli FLUSHALL\n```\n")
    assert "RB202" in {found.rule.code for found in report.findings}


ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202ecod\u200b"
WRITTEN = f"""# Shop

## Title {ESCAPES}

### Resolution

See [it](gone{ESCAPES}.md) and [that](#no{ESCAPES}).

```bash
# comment {ESCAPES}
run [hole {ESCAPES}]
systemctl restart shop
```

```yaml
alerts:
  - name: "Name {ESCAPES.replace(chr(27), "")}"
    condition: error_rate > 5%
    duration: 5m
    severity: SEV-2
```
"""


@pytest.mark.parametrize("form", ["text", "json", "sarif", "gitlab", "github"])
def test_nothing_in_a_document_reaches_the_terminal(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a\x1b[31m\u202e.md").write_text(WRITTEN)
    Path("b\x1b[31m.md").write_bytes(b"\0")
    done = CliRunner().invoke(cli, ["runbook", "lint", "--format", form], color=True)
    assert done.exit_code == 2
    shown = done.stdout + done.stderr
    assert "RB009" in shown
    assert [c for c in shown if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u202e\u200b")] == []


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "junk.md").write_bytes(bytes(range(256)) * 1000)
    (tmp_path / "long.md").write_bytes(b"\xc3\x28" * 100)
    done = CliRunner().invoke(cli, ["runbook", "lint", str(tmp_path)])
    assert done.exit_code == 2
    assert done.stdout == "0 errors, 0 warnings in 2 files\n"
    assert "junk.md: cannot be read: not a text file: line 1 holds a NUL byte" in done.stderr
    assert "long.md: cannot be read: not UTF-8: line 1 holds byte 0xc3" in done.stderr


PIECES = st.sampled_from(
    ["# A\n", "## B\n", "### Resolution\n", "```bash\n", "```sql {\"hutch.", "```\n", "~~~", "- ", "> ", "    ", "\n\n",
     "[x](", ".md#", ")", "<!-- hutch-lint: ignore RB203 ", "-->", "psql -c \"",
     "SELECT pg_terminate_backend(pid) FROM",
     " WHERE state = 'idle'", "kubectl exec -it x -- ", "ssh h '", "$(", "`", "{{ x }}", "<y>", "[z]", "rm -rf $X/",
     "Last Updated: 2020-01-01\n", "Review Schedule: Quarterly\n", "alerts:\n  - name: x\n", "\\", "'", "\"", "|", ";",
     "\x0b"]
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES | st.text(max_size=8), max_size=60).map("".join))
def test_any_text_is_linted_or_refused(linted: Callable[[str], Report], text: str) -> None:
    report = linted(text.encode("utf-8", "replace").decode())
    assert all(1 <= found.line <= text.count("\n") + text.count("\r") + 2 for found in report.findings)
    assert as_text(report)
