"""A commit whose answer is lost, from the command line to the server: looked up, and never done a second time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hutch.bootstrap.wire import open_context
from lost_answers import looked_up, losing
from remedy_world import Shop, shop


@pytest.fixture(scope="module")
def world() -> Iterator[Shop]:
    with shop() as made:
        yield made


def hutch(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [str(Path(sys.executable).with_name("hutch")), "--no-input", *words]
    return subprocess.run(argv, cwd=home, capture_output=True, text=True, timeout=150)


async def test_a_command_looks_it_up_and_does_it_once(world: Shop, tmp_path: Path) -> None:
    with losing(world, tmp_path) as wire:
        done = hutch(tmp_path, "run", "tickets", "--yes")
        assert wire.cuts == 1, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    context = open_context(tmp_path / "hutch.yaml")
    try:
        journal = await context.store.read(f"run:{done.stdout.split()[0]}")
    finally:
        await context.close()
    looked_up(world, journal)
