"""The documents that the tests read."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hutch.model.runbook import Document
from hutch.runbook.parse import parse

REPOSITORY = Path(__file__).resolve().parents[3]
SEED = REPOSITORY.parent / "shared" / "seed" / "rolerabbit-runbooks.md"
DATA = REPOSITORY / "tests" / "data" / "runbooks"


@pytest.fixture(scope="session")
def seed_text() -> str:
    """The source document, which is not a part of this repository."""
    if not SEED.exists():
        pytest.skip("the source document ../shared/seed/rolerabbit-runbooks.md is not beside this clone")
    return SEED.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def seed(seed_text: str) -> Document:
    """The source document, parsed."""
    return parse(seed_text, SEED.name)


@pytest.fixture(scope="session")
def constructs() -> Document:
    """A runbook in our own words with every construct of the source document."""
    return parse((DATA / "constructs.md").read_bytes(), "constructs.md")


@pytest.fixture(scope="session")
def calls() -> Callable[[Callable[[], object]], int]:
    """A measure of effort that no busy machine disturbs: how many Python functions some work calls."""
    return _calls


def _calls(work: Callable[[], object]) -> int:
    """How many Python functions ``work`` calls."""
    count = 0

    def trace(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(trace)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count
