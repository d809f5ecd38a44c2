"""Which option a person means by a number: the document's, and only where it is the only one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hutch.model.program import Option, Program
from hutch.model.run import Chosen, Run

ONE, TWO = Option("clean", "Option 1: Clean up", (), 1), Option("restart", "Option 2: Restart", (), 2)


@pytest.fixture
def run() -> Run:
    """The second option of the document is ranked first."""
    program = Program(options=(ONE, TWO))
    started = datetime(2026, 3, 1, tzinfo=UTC)
    return Run("R-1", 1, "shop", "Jobs", "", "", "", "act", started, program, chosen=(Chosen(TWO), Chosen(ONE)))


def test_a_number_is_the_documents_wherever_ranking_puts_the_option(run: Run) -> None:
    assert [run.called(c.option) for c in run.chosen] == ["2", "1"]
    found = run.option("1")
    assert found and found.option is ONE


def test_a_number_that_two_options_have_means_none_of_them(run: Run) -> None:
    other = replace(TWO, id="railway", number=1)
    run = replace(run, program=Program(options=(ONE, other)), chosen=(Chosen(other), Chosen(ONE)))
    assert run.option("1") is None
    assert [run.called(c.option) for c in run.chosen] == ["railway", "clean"]
