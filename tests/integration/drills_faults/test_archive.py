"""The archive that takes no file any more, and the one that takes them again."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

_FAILS = "SELECT (last_failed_time > coalesce(last_archived_time, '-infinity'))::int FROM pg_stat_archiver"
_COMMAND = "SELECT (current_setting('archive_command') = 'true')::int"


@pytest.mark.parametrize(("name", "fails"), [("failing-archive", 1), ("recovered-archive", 0)])
def test_it_fails_for_as_long_as_the_fault_stands(stage: Any, name: str, fails: int) -> None:
    with stage.standing(name):
        assert stage.number(_FAILS) == fails
    assert (stage.number(_FAILS), stage.number(_COMMAND)) == (0, 1)


@pytest.mark.slow
def test_what_a_killed_fault_left_is_undone(stage: Any) -> None:
    with stage.standing("failing-archive") as fault:
        fault.process.send_signal(signal.SIGKILL)
        fault.process.wait(10)
    assert json.loads(stage.fault("undo").stdout) == {"undone": {"failing-archive": 1}}
    assert (stage.number(_FAILS), stage.number(_COMMAND)) == (0, 1)
