"""A service that counts who asks it, and `hutch` processes over one Postgres that operate it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

HUTCH = str(Path(sys.executable).with_name("hutch"))


class Shop:
    """Answers probes and scrapes; ``ill`` are the places whose probes it answers with 500."""

    def __init__(self) -> None:
        self.looks: list[tuple[float, str]] = []
        self.scrapes: list[float] = []
        self.asked: Counter[str] = Counter()  # by the name after /metrics/
        self.ill: set[str] = set()
        self.errors = 0
        self.requests = 0

    async def start(self) -> str:
        """Its address."""
        app = web.Application()
        app.add_routes([web.get("/front", self._front), web.get("/metrics", self._metrics)])
        app.add_routes([web.get("/metrics/{name}", self._metrics)])
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _front(self, request: web.Request) -> web.Response:
        place = request.headers.get("X-Place", "")
        self.looks.append((asyncio.get_running_loop().time(), place))
        return web.Response(status=500 if place in self.ill else 200, text="shop")

    async def _metrics(self, request: web.Request) -> web.Response:
        self.asked[request.match_info.get("name", "")] += 1
        self.scrapes.append(asyncio.get_running_loop().time())
        self.requests += 10
        failed = min(self.errors, self.requests)
        return web.Response(
            text="# TYPE http_requests_total counter\n"
            f'http_requests_total{{status="200"}} {self.requests - failed}\n'
            f'http_requests_total{{status="500"}} {failed}\n'
        )


class House:
    """Processes with a folder each, all over one database."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.processes: list[asyncio.subprocess.Process] = []

    def machine(self, name: str, config: str) -> Path:
        home = self.folder / name
        home.mkdir()
        (home / "hutch.yaml").write_text(config)
        return home

    async def start(
        self, home: Path, *words: str, place: str = "local", log: str = "log"
    ) -> asyncio.subprocess.Process:
        """``hutch`` on that machine, once it has said its first line."""
        env = {**os.environ, "HUTCH_DATABASE_URL": self.url, "PLACE": place}
        file = (home / log).open("wb")
        process = await asyncio.create_subprocess_exec(
            HUTCH, "--config", str(home / "hutch.yaml"), *words,
            env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
        )  # fmt: skip
        file.close()
        self.processes.append(process)
        await until(lambda: "Hutch " in (home / log).read_text(), 90)
        return process

    async def ask(self, home: Path, *words: str) -> Any:
        """What a command says with ``--json``."""
        process = await asyncio.create_subprocess_exec(
            HUTCH, "--config", str(home / "hutch.yaml"), *words, "--json",
            env={**os.environ, "HUTCH_DATABASE_URL": self.url, "PLACE": "local"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        )  # fmt: skip
        out, _ = await asyncio.wait_for(process.communicate(), 90)
        return json.loads(out)

    async def end(self) -> None:
        for process in self.processes:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def until(look: Callable[[], object], seconds: float = 30) -> None:
    for _ in range(int(seconds / 0.05)):
        if look():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen")


async def until_async(look: Callable[[], Awaitable[object]], seconds: float = 30) -> Any:
    """What it gives, once it gives something."""
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        if found := await look():
            return found
        await asyncio.sleep(0.1)
    raise AssertionError("it did not happen")


async def role(port: int) -> str:
    """What the server on that port says it does; nothing while it does not answer."""
    try:
        async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{port}/healthz") as answer:
            found: str = (await answer.json())["role"]
            return found
    except (aiohttp.ClientError, OSError):
        return ""
