"""Who holds a lease, and whether it still lives."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hutch.ports import StoreFull
from hutch.store import owner
from hutch.store.owner import is_elsewhere, is_gone, this_process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="without /proc a lease just runs out")


def test_this_process_lives() -> None:
    assert str(os.getpid()) in this_process().split(":")
    assert not is_gone(this_process())


def test_an_ended_process_is_gone_before_and_after_it_is_reaped() -> None:
    code = "from hutch.store.owner import this_process as t; print(t(), flush=True); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], text=True, **pipes) as process:
        assert process.stdout is not None
        owner = process.stdout.readline().strip()
        assert not is_gone(owner)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_gone(owner)
    assert is_gone(owner)


def test_a_number_that_was_given_to_another_process_is_not_the_owner() -> None:
    host, pid, started = this_process().rsplit(":", 2)
    assert is_gone(f"{host}:{pid}:{int(started) + 1}")


def test_on_doubt_the_lease_has_to_run_out() -> None:
    host, pid, started = this_process().rsplit(":", 2)
    assert not is_gone(f"other-{host}:{pid}:{int(started) + 1}")
    assert not is_gone(f"{host}:{pid}:")


def test_another_machine_has_another_name_and_another_boot() -> None:
    host, pid, started = this_process().rsplit(":", 2)
    name, boot, space = host.split("/")
    assert is_elsewhere(f"other/deadbeef/{space}:{pid}:{started}")
    assert not is_elsewhere(this_process())
    assert not is_elsewhere(f"{name}/deadbeef/{space}:{pid}:{started}")  # this one, before it was started anew
    assert not is_elsewhere(f"container/{boot}/pid[1]:{pid}:{started}")
    assert not is_elsewhere("4711")


def test_a_start_waits_for_a_full_disk_and_says_so_where_it_stays_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, write = [3], Path.write_text

    def full(self: Path, text: str, **more: Any) -> int:
        if left[0]:
            left[0] -= 1
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, text, **more)

    monkeypatch.setattr(owner, "PAUSE", 0.001)
    monkeypatch.setattr(Path, "write_text", full)
    owner.mark(tmp_path / "worker-1")
    assert owner.living(tmp_path) == ["worker-1"]
    left[0] = 1000
    with pytest.raises(StoreFull, match="the disk is full; free some space and start again"):
        owner.mark(tmp_path / "worker-1")
    assert owner.living(tmp_path) == []
