"""Who holds a job's lease: a process, named so that another one can see that it is gone."""

from __future__ import annotations

import errno
import os
import socket
import time
from pathlib import Path

from hutch.ports import StoreFull

PATIENCE, PAUSE = 60, 1.0
"""Tries, and seconds between them, for which a start waits while the disk is full."""

_PROC = Path("/proc")
_STATE, _START = 0, 19  # fields 3 and 22 of /proc/PID/stat, counted behind the name: man 5 proc


def this_process() -> str:
    """``host:pid:starttime``; the host also names the boot and the process-number space (a container's)."""
    fields = _stat(os.getpid())
    return f"{_host()}:{os.getpid()}:{fields[_START] if fields else ''}"


def mark(marker: Path) -> None:
    """Say in ``marker`` that this process is at work. A disk that is full is waited for.

    Raises :class:`hutch.ports.StoreFull` where it stays full.
    """
    for tries_left in reversed(range(PATIENCE)):
        try:
            marker.write_text(this_process(), encoding="utf-8")
            return
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            if not tries_left:
                marker.unlink(missing_ok=True)
                raise StoreFull(f"{marker.parent}: the disk is full; free some space and start again") from error
        time.sleep(PAUSE)


def is_gone(owner: str) -> bool:
    """True when ``owner`` is known to have ended. False on doubt: then its lease has to run out."""
    host, pid, started = owner.rsplit(":", 2)
    if host != _host() or not started:
        return False
    fields = _stat(int(pid))
    if fields:
        return fields[_START] != started or fields[_STATE] in "ZX"  # ended, and only waits to be reaped
    return not _exists(int(pid))


def marked(home: Path) -> Path:
    """Say in ``home`` that this process serves from there; where another one does, beside it. What to remove at the
    end."""
    marker = home / "serving"
    if _lives(theirs := _text(marker)) and theirs not in ("", this_process()):
        marker = home / f"serving-{os.getpid()}"
    mark(marker)
    return marker


def living(home: Path) -> list[str]:
    """The servers and workers that are at work on the file in ``home``: names of their markers, but of those gone."""
    markers = [*sorted(home.glob("serving*")), *sorted(home.glob("worker-*"))]
    return [marker.name for marker in markers if marker.exists() and _lives(_text(marker))]


def others(home: Path) -> list[str]:
    """The same without this process."""
    return [name for name in living(home) if _text(home / name) != this_process()]


def _lives(owner: str) -> bool:
    return owner.count(":") < 2 or not is_gone(owner)


def is_elsewhere(owner: str) -> bool:
    """True when ``owner`` runs, or ran, on another machine; a container, or another boot of this one, is none."""
    theirs, ours = owner.rsplit(":", 2)[0].split("/"), _host().split("/")
    return len(theirs) == len(ours) and theirs[0] != ours[0] and theirs[1] != ours[1]


def _exists(pid: int) -> bool:
    """Also true for a process that ``/proc`` hides from us (the mount option ``hidepid``)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _stat(pid: int) -> list[str]:
    """The fields of ``/proc/PID/stat`` behind the name; none where it can't be read."""
    return _text(_PROC / str(pid) / "stat").rpartition(")")[2].split()


def _host() -> str:
    return "/".join((socket.gethostname(), _text(_PROC / "sys/kernel/random/boot_id")[:8], _pid_space()))


def _pid_space() -> str:
    try:
        return os.readlink(_PROC / "self/ns/pid").removeprefix("pid:")  # noqa: PTH115 - it names no file
    except OSError:
        return ""


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
