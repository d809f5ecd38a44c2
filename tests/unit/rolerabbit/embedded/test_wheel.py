from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from rolerabbit.embedded.errors import EmbeddedError, PortTaken
from rolerabbit.embedded.postgres import render_settings
from rolerabbit.embedded.server import check_port, free_port
from rolerabbit.embedded.wheel import NOBODY, Account, package_folder, reachable
from rolerabbit.platform.listener import bound


def test_a_missing_wheel_names_the_extra() -> None:
    with pytest.raises(EmbeddedError, match=r"pip install 'hutch\[demo\]'"):
        package_folder("no_such_wheel_is_installed")


def test_an_account_without_a_passwd_entry_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(uid: int) -> object:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(EmbeddedError, match="has no entry in the passwd database"):
        Account.current()


def test_a_taken_port() -> None:
    with bound(0) as taken, pytest.raises(PortTaken, match="is taken: choose another one, or 0"):
        check_port(taken.getsockname()[1])


def test_a_free_port_is_free() -> None:
    check_port(free_port())


def test_data_below_a_closed_folder_goes_to_the_temporary_one(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    stranger = Account(NOBODY if os.geteuid() != NOBODY else NOBODY - 1)
    ours = Account(None)
    assert reachable(closed / "data", ours, "pgdata") == closed / "data"
    moved = reachable(closed / "data", stranger, "pgdata")
    assert moved.parent.name.startswith("rolerabbit-pgdata-")
    assert moved == reachable(closed / "data", stranger, "pgdata") != reachable(closed / "other", stranger, "pgdata")


def test_settings_are_quoted() -> None:
    text = render_settings({"fsync": False, "jit": True, "application_name": "o'hare \\", "max_connections": 40})
    assert text.splitlines() == [
        "fsync = 'off'",
        "jit = 'on'",
        "application_name = 'o''hare \\\\'",
        "max_connections = '40'",
    ]
