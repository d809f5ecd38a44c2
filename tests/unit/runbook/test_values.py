"""Where values come from."""

from __future__ import annotations

from hutch.model.runbook import Filled
from hutch.runbook.parse import parse
from hutch.runbook.placeholders import find
from hutch.runbook.values import Source, captured_by, fill, known

PLACES = find("tool [deployment-url] PREVIOUS_VERSION $X [deployment-url] <pod>", "sh")


def test_the_first_source_with_a_value_wins_and_is_named() -> None:
    found = fill(
        PLACES,
        [
            Source("--set", {"PREVIOUS_VERSION": "41", "x": " "}),
            Source("incident INC-2026-001", {"x": "7", "previous-version": "40"}),
            Source("services.shop.values", {"deployment_url": "d-1"}),
        ],
    )
    assert found == (
        Filled("deployment-url", "[deployment-url]", "d-1", "services.shop.values"),
        Filled("previous-version", "PREVIOUS_VERSION", "41", "--set"),
        Filled("x", "$X", "7", "incident INC-2026-001"),
        Filled("pod", "<pod>"),
    )
    assert known(found) == {"deployment-url": "d-1", "previous-version": "41", "x": "7"}


def test_which_step_gives_a_captured_value() -> None:
    text = '# A\n\n## Diagnosis\n\n```sh {"name":"one","hutch.capture":"pid"}\nx\n```\n\n'
    text += '```sh {"hutch.capture":"pid"}\ny\n```\n'
    (runbook,) = parse(text, "a.md").runbooks
    found = captured_by(step for _, step in runbook.steps())
    assert {name: step.name for name, (step, _) in found.items()} == {"pid": "one"}
