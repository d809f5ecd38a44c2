"""A full disk under the store: what cannot be written is refused and said, nothing acknowledged is lost, and once there
is room again the same server goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hutch.store.verify import verify_store
from small_disk import Disk, small_disk
from trouble_book import RUNBOOK

HUTCH = str(Path(sys.executable).with_name("hutch"))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A small loop file system where root may mount one, else a bound on the size of the store's files."""
    folder = tmp_path / "small"
    folder.mkdir()
    with small_disk(tmp_path / "image", folder) as found:
        yield found or Disk(folder, lambda: None, lambda: None, _bounded)


def _bounded() -> None:
    """For the server's process where nothing can be mounted: no file of it may grow past a few hundred kB."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))


def world(folder: Path, store: Path) -> Path:
    (folder / "state").write_text("43\n")
    (folder / "rollback").write_text("#!/bin/sh\necho begun >> applied\necho 42 > state\n")
    (folder / "rollback").chmod(0o755)
    (folder / "trouble.md").write_text(RUNBOOK)
    service = {
        "shell": {"directory": str(folder)},
        "binds": {"rollback": "as-is", "cat": "as-is"},
        "runbook": "trouble",
    }
    config = {"mode": "act", "store": str(store / "hutch"), "runbooks": ["."], "services": {"shop": service}}
    (folder / "hutch.yaml").write_text(json.dumps(config))
    return folder


Serving = tuple[str, asyncio.subprocess.Process]


@contextlib.asynccontextmanager
async def serving(
    folder: Path, limits: Callable[[], None] | None
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    process = await asyncio.create_subprocess_exec(
        HUTCH, "--config", str(folder / "hutch.yaml"), "serve", "--port", "0",
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        preexec_fn=limits,
    )  # fmt: skip
    assert process.stderr
    try:
        said = ""
        while "http://" not in said:
            said = (await asyncio.wait_for(process.stderr.readline(), 30)).decode()
            assert said, "the server did not start"
        address = next(w for w in said.split() if w.startswith("http://"))
        drain = asyncio.create_task(_drain(process.stderr))
        api = f"http://{address.split('/')[2]}/api/v1"
        for _ in range(100):
            with contextlib.suppress(aiohttp.ClientConnectionError):
                await ask(f"{api}/services")
                break
            await asyncio.sleep(0.1)
        yield api, process
        drain.cancel()
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 20)


async def _drain(stream: asyncio.StreamReader) -> None:
    while line := await stream.readline():
        print(line.decode().rstrip())  # shown when the test fails


async def ask(url: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    method = "GET" if body is None else "POST"
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as session,
        session.request(method, url, json=body) as answer,
    ):
        return answer.status, await answer.json()


async def run_in(api: str, state: str) -> dict[str, Any]:
    """The only run, once it is in that state."""
    for _ in range(300):
        _, found = await ask(f"{api}/runs")
        if found and found[0]["state"] == state:
            whole: dict[str, Any] = (await ask(f"{api}/runs/{found[0]['id']}"))[1]
            return whole
        await asyncio.sleep(0.1)
    raise AssertionError(f"never {state}: {found}")


@pytest.mark.timeout(180)
async def test_a_quota_refuses_and_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    await refuses(Disk(tmp_path / "small", lambda: None, lambda: None, _bounded), tmp_path)


@pytest.mark.timeout(180)
async def test_a_full_disk_refuses_and_loses_nothing(disk: Disk, tmp_path: Path) -> None:
    await refuses(disk, tmp_path)


async def refuses(disk: Disk, tmp_path: Path) -> None:
    """Fill the disk while an approval is awaited; give room again where that can be."""
    folder = world(tmp_path, disk.folder)
    async with serving(folder, disk.limits) as (api, process):
        status, state = await ask(f"{api}/incidents", {"title": "trouble", "severity": "SEV-2", "actor": "olivia"})
        assert status == 201
        run = await run_in(api, "waiting for approval")
        disk.fill()
        notes, refused = 0, ""
        for number in range(400):
            text = {"text": f"note {number} " + "y" * 4000, "actor": "olivia"}
            status, found = await ask(f"{api}/incidents/{state['id']}/notes", text)
            if status != 200:
                refused = found["error"]
                break
            notes += 1
        assert status == 507 and "the disk is full" in refused, (status, refused)
        offered = run["options"][0]
        approval = {"option": offered["id"], "digest": offered["digest"], "actor": "olivia"}
        status, found = await ask(f"{api}/runs/{run['id']}/approval", approval)
        assert status == 507 and "the disk is full" in found["error"]
        assert not (folder / "applied").exists()
        told = (await ask(f"{api}/incidents/{state['id']}/timeline"))[1]
        assert sum(e["kind"] == "note.added" for e in told) == notes, "reading goes on, and tells what was acknowledged"
        assert process.returncode is None
        disk.free()
        if disk.limits is None:
            assert (await ask(f"{api}/runs/{run['id']}/approval", approval))[0] == 200
            assert (await run_in(api, "resolved"))["options"][0]["approved_by"] == "olivia"
            assert (folder / "applied").read_text() == "begun\n"
    assert not verify_store(disk.folder / "hutch" / "hutch.db").breaks


@pytest.mark.timeout(180)
async def test_a_disk_that_fills_after_the_approval_holds_the_change_back(disk: Disk, tmp_path: Path) -> None:
    """The intent cannot be written, so the change is not begun; with room again it is, once."""
    folder = world(tmp_path, disk.folder)
    if disk.limits is not None:
        return  # without a file system of its own the disk cannot be freed again
    blocked = folder / "trouble.md"
    blocked.write_text(RUNBOOK.replace("cat state\n```\n\n### Resolution", "sleep 3\n```\n\n### Resolution"))
    config = json.loads((folder / "hutch.yaml").read_text())
    config["services"]["shop"]["binds"]["sleep"] = "as-is"
    (folder / "hutch.yaml").write_text(json.dumps(config))
    async with serving(folder, None) as (api, process):
        assert (await ask(f"{api}/incidents", {"title": "trouble", "severity": "SEV-2", "actor": "olivia"}))[0] == 201
        await asyncio.sleep(1.5)  # its read is under way
        disk.fill()
        await asyncio.sleep(4)
        assert process.returncode is None, "the worker outlives the full disk"
        disk.free()
        run = await run_in(api, "waiting for approval")
        approval = {"option": run["options"][0]["id"], "digest": run["options"][0]["digest"], "actor": "olivia"}
        assert (await ask(f"{api}/runs/{run['id']}/approval", approval))[0] == 200
        await run_in(api, "resolved")
        assert (folder / "applied").read_text() == "begun\n"
    assert not verify_store(disk.folder / "hutch" / "hutch.db").breaks
