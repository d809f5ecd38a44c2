"""For all tests: with ``HUTCH_REQUIRE_ALL=1``, as in CI, a skipped test is a failure of the session."""

from __future__ import annotations

import gc
import os
from importlib.util import find_spec

import pytest

pytest_plugins = [name for name in ("stores", "passing") if find_spec(name)]

REQUIRE_ALL = os.environ.get("HUTCH_REQUIRE_ALL") == "1"
_SKIPPED: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Notes a skipped test; an expected failure (xfail) is reported as skipped too and is none."""
    if report.skipped and not hasattr(report, "wasxfail"):
        _SKIPPED.append(_line(report))


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Notes a module that was skipped whole."""
    if report.skipped:
        _SKIPPED.append(_line(report))


def _line(report: pytest.TestReport | pytest.CollectReport) -> str:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return f"{report.nodeid}: {reason}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turns a green session with skipped tests red where all are required."""
    if REQUIRE_ALL and _SKIPPED and session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names the skipped tests that made it fail."""
    if REQUIRE_ALL and _SKIPPED:
        terminalreporter.section("skipped, and HUTCH_REQUIRE_ALL=1 requires all", red=True)
        terminalreporter.write("\n".join(_SKIPPED) + "\n")


def pytest_collection_finish() -> None:
    """Thousands of tests that were collected stay to the end: no collection of garbage need walk over them again."""
    gc.collect()
    gc.freeze()
