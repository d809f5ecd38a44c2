"""Hutch's own schema changes while Hutch works: the old version goes on beside the new one, and ends with a word when
it is not served any more. The newer versions are made of this one, with migrations of their own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from stores import Databases
from two_places import HUTCH

NEWER = [sys.executable, str(Path(__file__).parents[1] / "support" / "newer.py")]


class Versions:
    """Hutches of several versions in one folder."""

    def __init__(self, home: Path, url: str) -> None:
        self.home, self.url = home, url
        self.processes: list[asyncio.subprocess.Process] = []
        (home / "hutch.yaml").write_text("services: {shop: {}}\n")

    async def begin(self, schema: str, *words: str) -> asyncio.subprocess.Process:
        """``schema`` 0001 is this version."""
        program = [HUTCH] if schema == "0001" else NEWER
        env = {**os.environ, "SCHEMA": schema, "HUTCH_DATABASE_URL": self.url}
        process = await asyncio.create_subprocess_exec(
            *program, "--config", str(self.home / "hutch.yaml"), *words,
            env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.processes.append(process)
        return process

    async def call(self, schema: str, *words: str) -> tuple[int | None, str, str]:
        """Exit code, and what it said."""
        process = await self.begin(schema, *words)
        out, said = await asyncio.wait_for(process.communicate(), 90)
        return process.returncode, out.decode(), said.decode()

    async def incidents(self, schema: str) -> list[Any]:
        _, out, said = await self.call(schema, "incident", "list", "--json")
        assert out, said
        return [row["title"] for row in json.loads(out)]

    async def end(self) -> None:
        for process in self.processes:
            if process.returncode is None:
                process.kill()
            await process.communicate()


@pytest.fixture(params=["sqlite", "postgres"])
async def versions(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_databases: Callable[[], Databases]
) -> AsyncIterator[Versions]:
    if request.param == "sqlite":
        found = Versions(tmp_path, "")
        yield found
        await found.end()
        return
    with postgres_databases().fresh() as url:
        found = Versions(tmp_path, url)
        yield found
        await found.end()


async def declare(versions: Versions, schema: str, title: str) -> None:
    code, _, said = await versions.call(schema, "incident", "declare", title, "--severity", "SEV-2")
    assert code == 0, said


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_an_old_version_works_beside_a_new_one_until_it_is_not_served_any_more(versions: Versions) -> None:
    await declare(versions, "0001", "by the old one")
    old = await versions.begin("0001", "worker")
    assert old.stderr
    assert b"takes jobs" in await asyncio.wait_for(old.stderr.readline(), 60)

    await declare(versions, "0012", "by the new one")  # it expands the schema; nobody had to stop
    await declare(versions, "0001", "by the old one again")
    assert await versions.incidents("0012") == await versions.incidents("0001")
    assert len(await versions.incidents("0001")) == 3
    assert (await versions.call("0001", "verify"))[:2] == (0, "every chain is intact\n")

    code, _, said = await versions.call("0013", "incident", "list")
    assert code == 1, said
    assert re.search("schema 0013 shuts out the Hutch of schema 000[12] that still works on it", said), said
    assert old.returncode is None

    old.terminate()
    assert await asyncio.wait_for(old.wait(), 40) == 0
    late = await versions.begin("0001", "worker")
    assert late.stderr
    assert b"takes jobs" in await asyncio.wait_for(late.stderr.readline(), 60)
    late.terminate()
    assert await asyncio.wait_for(late.wait(), 40) == 0

    assert len(await versions.incidents("0013")) == 3
    code, _, said = await versions.call("0001", "worker")
    assert code == 1 and "made by a newer version (Hutch " in said and "schema 0013" in said, said
    assert len(await versions.incidents("0012")) == 3, "0013 serves 0012"
