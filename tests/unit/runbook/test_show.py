"""A document for programs and for people."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from hutch.model.effect import Effect, Verdict
from hutch.model.runbook import Document
from hutch.runbook.parse import parse
from hutch.runbook.show import as_json, short_time

TEXT = """# Night

## Lamps

**Detection:**

```sh {"name":"look"}
# Look
curl https://[PROJECT_ID].example  # Should return 200
```

## Rules

```yaml
alerts:
  - {name: Dark, condition: uptime < 100%, duration: 90s, severity: SEV-1}
```
"""


def classified(document: Document) -> Document:
    runbook = document.runbooks[0]
    section = runbook.sections[0]
    step = section.steps[0]
    statement = replace(step.statements[0], verdict=Verdict(Effect.READ, "curl fetches", sensitive=True))
    section = replace(section, steps=(replace(step, statements=(statement,)),))
    return replace(document, runbooks=(replace(runbook, sections=(section,)), *document.runbooks[1:]))


def test_the_json_form() -> None:
    document = classified(parse(TEXT, "night.md"))
    shown = json.loads(json.dumps(as_json(document)))
    assert set(shown) >= {"title", "hash", "runbooks", "alerts"}
    lamps = shown["runbooks"][0]
    step = lamps["sections"][0]["steps"][0]
    assert lamps == {
        "id": "lamps", "title": "Lamps", "line": 3, "chapter": "Lamps",
        "sections": [{
            "id": "lamps/detection", "title": "Detection", "role": "detection", "option": None, "line": 5,
            "path": ["Lamps", "Detection"], "text": "",
            "steps": [{
                "id": step["id"], "name": "look", "lang": "sh", "line": 7, "effect": "read",
                "annotations": {"name": "look"}, "notes": [], "flow": None, "link": None,
                "statements": [{
                    "id": f"{step['id']}.1", "text": "curl https://[PROJECT_ID].example", "line": 9, "effect": "read",
                    "why": "curl fetches", "sensitive": True, "comments": ["Look", "Should return 200"],
                    "placeholders": [{"name": "project-id", "text": "[PROJECT_ID]", "start": 13, "end": 25}],
                    "expects": ["200"], "action": None,
                }],
            }],
        }],
    }  # fmt: skip
    assert shown["alerts"] == [{
        "name": "Dark", "condition": "uptime < 100%", "duration": "1m30s", "severity": "SEV-1", "line": 16,
        "labels": {}, "runbook": "",
    }]  # fmt: skip


def test_what_nobody_classified_has_no_effect() -> None:
    shown = as_json(parse(TEXT, "night.md"))
    step = shown["runbooks"][0]["sections"][0]["steps"][0]
    assert (step["effect"], step["statements"][0]["effect"], step["statements"][0]["why"]) == ("none", "none", "")


def test_durations() -> None:
    assert [short_time(timedelta(seconds=s)) for s in (0, 300, 3600, 90000)] == ["0s", "5m", "1h", "1d1h"]


def test_the_whole_seed_is_shown(seed: Document) -> None:
    shown = as_json(seed)
    steps = [step for r in shown["runbooks"] for s in r["sections"] for step in s["steps"]]
    assert (len([s for s in steps if s["lang"]]), len([s for s in steps if not s["lang"]])) == (46, 2)
    assert len(shown["alerts"]) == 4


def test_how_steps_are_carried_out_is_shown() -> None:
    text = (
        '# A\n\n## Mitigation\n\n```sh {"hutch.capture":"pid","hutch.when":"lag > 3","hutch.timeout":"5m"}\nls\n```\n\n'
        '```text {"hutch.manual":"true"}\nCall\n```\n\nFollow [restart](restart.md#now)\n'
    )
    document = parse(text, "a.md")
    one, two, three = as_json(document)["runbooks"][0]["sections"][0]["steps"]
    assert one["flow"] == {
        "captures": [{"name": "pid", "pattern": "", "path": ""}], "on_failure": "stop", "retries": 0, "timeout": 300.0,
        "when": "lag > 3", "undo": "", "undo_action": False, "manual": False,
    }  # fmt: skip
    assert two["flow"]["manual"]
    assert three["link"] == {"document": "restart.md", "anchor": "now"}
