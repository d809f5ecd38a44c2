"""Rules about annotations."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from hutch.runbook.flow import OURS
from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.page import Page

KNOWN = (*OURS, "hutch.lint")
"""The annotations that Hutch reads. Others are kept, and left to whoever reads them."""


def unknown_annotation(page: Page) -> Iterator[Hit]:
    """An annotation that begins like ours and is none."""
    for runbook in page.document.runbooks:
        for _, step in runbook.steps():
            for key in step.annotations:
                if key.lower().startswith(("hutch.", "hutch_", "hutch-")) and key not in KNOWN:
                    near = difflib.get_close_matches(key.lower(), KNOWN, n=1, cutoff=0.5)
                    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(KNOWN)}"
                    yield Hit(step.line, f"unknown annotation {key!r}, which does nothing: {hint}")
