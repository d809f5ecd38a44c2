"""What ``hutch runbook show`` prints: within the window's width, and as it is asked to look."""

from __future__ import annotations

import time

import pytest

from hutch.commands.documents import classified, load_document
from hutch.runbook.parse import parse
from hutch.runbook.tree import Sheet, as_text

TEXT = """\
# Night

## Lamps

### Detection

```sh
# Should return 200
curl https://[PROJECT_ID].example
```

## Rules

```yaml
alerts:
  - {name: Dark, condition: uptime < 100%, duration: 90s, severity: SEV-1, runbook: lamps}
```
"""


def test_the_text_form() -> None:
    assert as_text(classified(parse(TEXT, "night.md"))) == "\n".join([
        "Night",
        "",
        "    3 #lamps  Lamps",
        "      1 read",
        "    5   Detection  [detection]",
        "    9     read     curl https://[PROJECT_ID].example",
        "                   curl fetches a page · needs [PROJECT_ID] · expects 200",
        "",
        "   12 #rules  Rules",
        "   14     none     yaml block, read only",
        "",
        "      alerts",
        "   16   Dark: uptime < 100% for 1m30s, SEV-1 → lamps",
    ])  # fmt: skip


def test_one_runbook_alone() -> None:
    document = classified(parse(TEXT, "night.md"))
    shown = as_text(document, document.find("lamps"))
    assert "#lamps" in shown
    assert "Rules" not in shown and "Dark" not in shown


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_window(width: int) -> None:
    long = f"# A\n\n## Fix it\n\n### {'title ' * 40}\n\n```sh\necho {'x' * 500} {'[name] ' * 30}\n```\n"
    documents = [load_document("postgres-high-cpu"), load_document("scaling"), classified(parse(long, "a.md"))]
    for document in documents:
        lines = as_text(document, sheet=Sheet(width)).split("\n")
        assert max(map(len, lines)) <= width
        assert max(map(len, lines)) > width - 15, "the width is used"


def test_looks_are_put_around_what_they_are_for() -> None:
    sheet = Sheet(100, lambda text, look: f"<{look}>{text}</>")
    shown = as_text(classified(parse(TEXT, "night.md")), sheet=sheet)
    assert "    9     <read>read    </> curl https://" in shown
    assert "<dim>curl fetches a page" in shown
    assert "<title>#lamps  Lamps</>" in shown


def test_how_steps_are_carried_out_is_shown() -> None:
    text = (
        "# A\n\n## Mitigation\n\n"
        '```sh {"name":"look","hutch.capture":"pid","hutch.when":"lag > 3","hutch.timeout":"5m","hutch.retries":"2"}\n'
        "ls\n```\n\n"
        '```text {"hutch.manual":"true"}\nCall\nthem\n```\n\nFollow [restart](restart.md#now)\n\n'
        '```sh {"hutch.undo":"rm b","hutch.on_failure":"next"}\ntouch a\ntouch b\n```\n'
    )
    shown = [" ".join(line.split()) for line in as_text(classified(parse(text, "a.md"))).split("\n")]
    assert "step look · only when lag > 3 · captures pid · for at most 5m" in " ".join(shown)
    assert "tried again up to 2 times" in " ".join(shown)
    assert "9 by hand Call them" in shown
    assert "14 goes through restart.md#now (restart)" in shown
    at = next(n for n, line in enumerate(shown) if line.endswith("touch b"))
    assert "if it fails: next · undone by rm b" in shown[at + 1]
    assert "undone" not in shown[at - 1], "said once, below the step's last statement"


def test_actions_are_shown_as_calls() -> None:
    text = '# A\n\n## Fix\n\n```yaml {"hutch.action":"service.scale"}\nreplicas:\npool_size: 4\n```\n'
    shown = as_text(classified(parse(text, "a.md")))
    assert "change   service.scale(replicas: …, pool_size: 4)" in shown
    assert "open: replicas" in shown
    assert "calls the action" not in shown


def test_sensitive_reads_are_marked() -> None:
    shown = as_text(classified(parse("# A\n\n## Check\n\n```sql\nSELECT * FROM security_logs;\n```\n", "a.md")))
    assert "sensitive: runs only when a person asks" in " ".join(shown.split())


def test_a_long_document_is_shown_at_once() -> None:
    document = classified(parse("# A\n\n## Fix\n\n" + "```sh\nrm [file]\n```\n\n" * 5000, "a.md"))
    began = time.monotonic()
    assert as_text(document).count("\n") > 10_000
    assert time.monotonic() - began < 2


SETS = """\
# Set

## Diagnosis

```bash
echo $POD
POD=$(echo web-1)
export REGION=eu
echo "$POD" ${REGION}
read -p "Version: " VERSION
echo $VERSION
for I in 1 2; do echo $I; done
echo $I
A=1 echo hello
echo $A
```

```bash
echo $POD
```
"""


def test_what_an_earlier_line_of_the_block_sets_is_not_needed() -> None:
    text = as_text(classified(parse(SETS, "set.md")))
    assert [line.partition("needs ")[2] for line in text.splitlines() if "needs " in line] == [
        "$POD",
        "$VERSION (line 10 sets it for itself alone)",
        "$I (line 12 sets it for itself alone)",
        "$A",
        "$POD",
    ]


def test_a_statement_of_an_unusual_blank_is_shown() -> None:
    text = as_text(classified(parse("# A\n\n## Diagnosis\n\n```bash\n\x1f\n```\n", "a.md")))
    assert "change   \\x1f" in text and "holds a control character" in text
