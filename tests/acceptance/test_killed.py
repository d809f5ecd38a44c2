"""kill -9 of Hutch between the intent and the outcome of a change: it is never done twice, and the run ends right."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from hutch.cli.demo_stage import Stage

HUTCH = str(Path(sys.executable).with_name("hutch"))


class Gate:
    """A proxy before the platform that holds back the answer to a roll-back until it is opened."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reached = asyncio.Event()
        self.open = asyncio.Event()
        self.rollbacks = 0

    @contextlib.asynccontextmanager
    async def standing(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            self.open.set()
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            there, back = await asyncio.open_connection("127.0.0.1", self.port)
            await asyncio.gather(self._requests(reader, back), self._answers(there, writer))
        writer.close()

    async def _requests(self, reader: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        while part := await reader.read(65536):
            if part.startswith(b"POST /rollback"):
                self.rollbacks += 1
                self.reached.set()
            back.write(part)
            await back.drain()
        back.close()

    async def _answers(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while part := await there.read(65536):
            if self.reached.is_set():
                await self.open.wait()
            writer.write(part)
            await writer.drain()


def events(folder: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """Stream, kind and data of every event in the store, in order; read only."""
    path = folder / ".hutch" / "hutch.db"
    if not path.exists():
        return []
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
        try:
            rows = store.execute("select stream, kind, data from events order by rowid").fetchall()
        except sqlite3.OperationalError:
            return []
    return [(stream, kind, json.loads(data)) for stream, kind, data in rows]


async def until(
    folder: Path, wanted: Callable[[list[tuple[str, str, dict[str, Any]]]], bool], seconds: float = 60
) -> None:
    """Wait until the log shows what is wanted."""
    for _ in range(int(seconds / 0.1)):
        if wanted(events(folder)):
            return
        await asyncio.sleep(0.1)
    raise AssertionError([kind for _, kind, _ in events(folder)])


def kinds(folder: Path) -> list[str]:
    return [kind for _, kind, _ in events(folder)]


async def serve(folder: Path) -> asyncio.subprocess.Process:
    log = (folder / "serve.log").open("ab")
    try:
        return await asyncio.create_subprocess_exec(
            HUTCH, "--config", str(folder / "hutch.yaml"), "serve", "--port", "0",
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    finally:
        log.close()


async def hutch(folder: Path, *words: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        HUTCH, "--config", str(folder / "hutch.yaml"), *words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode or 0, out.decode()


@pytest.mark.timeout(180)
async def test_a_change_cut_off_by_kill_9_is_not_repeated_and_its_verification_decides(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "bad-release", 60.0)
    async with stage.standing() as ready:
        gate = Gate(int(ready["api_url"].rsplit(":", 1)[1]))
        async with gate.standing() as port, stage.load(ready):
            config = tmp_path / "hutch.yaml"
            text = config.read_text()
            before, _, after = text.partition("local:")
            config.write_text(f"{before}local:{after.replace(ready['api_url'], f'http://127.0.0.1:{port}', 1)}")
            first = await serve(tmp_path)
            await stage.break_it(ready)
            await until(tmp_path, lambda log: any(k == "options.ranked" for _, k, _ in log))
            run = next(s for s, k, _ in events(tmp_path) if k == "run.started").removeprefix("run:")
            approving = asyncio.create_task(hutch(tmp_path, "runs", "approve", run))
            await asyncio.wait_for(gate.reached.wait(), 30)
            assert "change.intended" in kinds(tmp_path)
            assert "change.done" not in kinds(tmp_path)
            first.send_signal(signal.SIGKILL)
            await first.wait()
            gate.open.set()
            second = await serve(tmp_path)
            try:
                await until(tmp_path, lambda log: any(k == "run.finished" for _, k, _ in log))
            finally:
                second.terminate()
                await asyncio.wait_for(second.wait(), 20)
            await approving
            told = kinds(tmp_path)
            assert told.count("change.intended") == 1
            assert told.count("change.unknown") == 1
            assert "change.done" not in told
            finished = next(d for _, k, d in events(tmp_path) if k == "run.finished")
            assert finished["outcome"] == "resolved", finished
            assert gate.rollbacks == 1
            with urllib.request.urlopen(f"{ready['api_url']}/deployments", timeout=10) as answer:
                made = json.load(answer)
            assert [d["kind"] for d in made].count("rollback") == 1
    assert (await hutch(tmp_path, "verify"))[0] == 0
