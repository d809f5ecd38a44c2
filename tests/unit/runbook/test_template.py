"""The texts that a document gives to be filled in."""

from __future__ import annotations

from hutch.model.runbook import Document
from hutch.runbook.parse import parse
from hutch.runbook.template import Purpose, templates


def test_templates_of_the_seed(seed: Document) -> None:
    update, report, review = templates(seed)
    assert [(t.purpose, t.line, t.runbook) for t in (update, report, review)] == [
        (Purpose.UPDATE, 220, "service-outage"),
        (Purpose.REPORT, 465, "suspected-data-breach"),
        (Purpose.REVIEW, 863, "post-incident-review-template"),
    ]
    assert [s.name for s in update.slots] == ["Brief description", "What was done"]
    assert [s.name for s in review.slots][:3] == ["INCIDENT_TITLE", "Name", "Brief description of incident"]
    assert update.text.startswith("[RESOLVED] Service Outage")


def test_templates_of_the_constructs(constructs: Document) -> None:
    assert [(t.purpose, t.title) for t in templates(constructs)] == [
        (Purpose.UPDATE, "Communication Template"),
        (Purpose.REPORT, "Step 4: Document"),
        (Purpose.REVIEW, "Post-Incident Review Template"),
    ]


def test_slots_have_their_offsets_and_boxes_are_none() -> None:
    text = "# A\n\n## Templates\n\n```markdown\n- [ ] [Action] - [x] [link](y) [Due: date]\n```\n"
    (found,) = templates(parse(text, "a.md"))
    assert [s.name for s in found.slots] == ["Action", "Due: date"]
    assert all(found.text[s.start : s.end] == s.text for s in found.slots)
    assert found.purpose is Purpose.OTHER


def test_code_is_no_template() -> None:
    assert templates(parse("# A\n\n## Communication\n\n```sh\nmail [someone]\n```\n", "a.md")) == ()
