"""The report of a rehearsal: nothing of a document is left out, and the best of several scenes counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rehearsal import report
from rehearsal.account import BY_HAND, DONE, FAILED, NOT_PLAYED, PASSED, RANK, REFUSED, Told, best
from rehearsal.play import Played
from rehearsal.script import Scene, Script

from hutch.commands.documents import classified, load_document
from hutch.model.runbook import Document, Step
from hutch.runbook.parse import parse

ROOT = Path(__file__).resolve().parents[3]
SEED = ROOT.parent / "shared" / "seed" / "rolerabbit-runbooks.md"
REPORTS = ROOT / "docs" / "reports"

TEXT = b"""# Care

## Cache

### Detection

```bash
redis-cli ping
# Should return PONG
uptime | head
```

### Resolution

```typescript
const size = 10;
```
"""


@pytest.fixture(scope="module")
def document() -> Document:
    return classified(parse(TEXT, "care.md"))


def made(document: Document, *played: Played) -> dict[str, object]:
    one = report.document_json("care.md", document, Script((), {10: "there is no uptime here"}), {"cache": played})
    return {"title": "Care", "made_on": "today", "command": "c", "documents": [one], **one}


def test_a_statement_that_no_scene_came_to_is_said(document: Document) -> None:
    [chapter] = made(document)["chapters"]  # type: ignore[misc]
    assert [(r["line"], r["became"]) for r in chapter["statements"]] == [(8, NOT_PLAYED), (10, NOT_PLAYED)]
    assert [(b["line"], b["language"]) for b in chapter["blocks"]] == [(15, "typescript")]
    assert made(document)["became"] == {NOT_PLAYED: 2}


def test_the_best_of_several_scenes_counts_and_all_are_told(document: Document) -> None:
    first, second = [s.id for _, step in document.runbooks[0].steps() for s in step.statements]
    one = Played(Scene("cache"), {first: Told(FAILED, "no answer"), second: Told(REFUSED, "not bound")})
    two = Played(Scene("cache", "ecs", "leak"), {first: Told(PASSED, "PONG", "redis-cli ping on 127.0.0.1:4711")})
    found = made(document, one, two)
    ping, uptime = found["chapters"][0]["statements"]  # type: ignore[index]
    assert (ping["became"], [t["became"] for t in ping["tried"]]) == (PASSED, [FAILED, PASSED])
    assert (ping["expected"], ping["tried"][1]["ran_as"]) == (["PONG"], "redis-cli ping on 127.0.0.1")
    assert (uptime["became"], uptime["why"]) == (REFUSED, "there is no uptime here")
    page = report.markdown(found)
    assert "| 8 | `redis-cli ping` | read | passed | ecs | PONG | PONG |  |" in page
    assert r"`uptime \| head`" in page and "there is no uptime here: not bound" in page


def test_what_was_not_played_anew_is_kept_unless_the_document_was_changed(document: Document) -> None:
    first, second = [s.id for _, step in document.runbooks[0].steps() for s in step.statements]
    old = made(document, Played(Scene("cache"), {first: Told(PASSED, "PONG"), second: Told(REFUSED, "not bound")}))
    assert report.joined(made(document), old)["became"] == {PASSED: 1, REFUSED: 1}
    assert report.joined(made(document), {**old, "documents": [{**old, "hash": "another"}]})["became"] == {
        NOT_PLAYED: 2
    }
    anew = made(document, Played(Scene("cache"), {first: Told(FAILED, "no answer")}))
    assert report.joined(anew, old)["became"] == {FAILED: 1, NOT_PLAYED: 1}


def test_every_status_has_its_rank() -> None:
    assert best([Told(status) for status in reversed(RANK)]).status == DONE
    assert best([Told(REFUSED), Told(BY_HAND)]).status == BY_HAND


# ------------------------------------------------------------------ the reports that are committed


def steps(document: Document) -> Iterator[Step]:
    yield from (step for section in document.front for step in section.steps)
    yield from (step for runbook in document.runbooks for _, step in runbook.steps())


def test_the_report_on_the_source_document_has_each_of_its_statements() -> None:
    if not SEED.exists():
        pytest.skip("the source document ../shared/seed/rolerabbit-runbooks.md is not beside this clone")
    document = load_document(str(SEED))
    [told] = json.loads((REPORTS / "seed.json").read_text("utf-8"))["documents"]
    rows = [row for chapter in told["chapters"] for row in chapter["statements"]]
    blocks = [block["line"] for chapter in told["chapters"] for block in chapter["blocks"]]
    assert told["hash"] == document.hash
    assert [(r["line"], r["text"]) for r in rows] == [
        (s.line, s.text) for step in steps(document) for s in step.statements
    ]
    assert blocks == [step.line for step in steps(document) if not step.statements]


@pytest.mark.parametrize("name", ["seed", "library"])
def test_a_committed_report_leaves_nothing_unsaid(name: str) -> None:
    told = json.loads((REPORTS / f"{name}.json").read_text("utf-8"))
    rows = [r for d in told["documents"] for c in d["chapters"] for r in c["statements"]]
    assert told["statements"] == len(rows) == sum(told["became"].values())
    assert NOT_PLAYED not in told["became"]
    silent = [r["line"] for r in rows for t in r["tried"] if t["became"] != PASSED and not t["seen"]]
    assert silent == []
    assert (REPORTS / f"{name}.md").read_text("utf-8") == report.markdown(told)
