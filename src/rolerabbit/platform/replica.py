"""One replica: a process of a release on the shared socket, with its log lines and its own metrics port."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from rolerabbit.embedded.server import free_port
from rolerabbit.embedded.watch import GUARD
from rolerabbit.platform.fetch import get
from rolerabbit.platform.logs import Line, read_line
from rolerabbit.platform.metrics import Families, parse

State = Literal["starting", "ready", "stopping", "ended"]
POLL_SECONDS = 0.05
LAST_POLL_SECONDS = 0.02
SCRAPE_SECONDS = 1.0
LINE_LIMIT = 1 << 20
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "PYTHONPATH", "VIRTUAL_ENV")
"""What a release gets to see of the platform's environment, beside what is meant for it."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What to run: the release, its environment, and the name of the place that the process fills."""

    name: str
    release: str
    env: Mapping[str, str] = field(repr=False)
    fd: int

    def environment(self) -> dict[str, str]:
        """The whole environment of the process."""
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return {**inherited, **self.env, "RR_RELEASE": self.release, "PYTHONUNBUFFERED": "1"}


class Replica:
    """A started process. ``on_line`` gets each line of its output, ``on_families`` each reading of its metrics."""

    def __init__(
        self,
        spec: Spec,
        process: asyncio.subprocess.Process,
        metrics_port: int,
        on_line: Callable[[Line], None],
        on_families: Callable[[str, Families], None],
    ) -> None:
        self.spec = spec
        self.state: State = "starting"
        self.started_at = datetime.now(UTC)
        self.crashed = False
        self._process = process
        self._metrics_port = metrics_port
        self._on_line = on_line
        self._on_families = on_families
        streams = {"stdout": process.stdout, "stderr": process.stderr}
        self._pumps = [asyncio.create_task(self._pump(name, s)) for name, s in streams.items() if s is not None]

    @classmethod
    async def start(
        cls, spec: Spec, on_line: Callable[[Line], None], on_families: Callable[[str, Families], None]
    ) -> Replica:
        """Start the process; it is not ready yet."""
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "rolerabbit", "serve", "--fd", str(spec.fd), "--metrics-port", str(port)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=spec.environment(),
            pass_fds=(spec.fd,),
            start_new_session=True,
            limit=LINE_LIMIT,
        )
        GUARD.watch(process.pid, signal.SIGTERM, grace=2.0)
        return cls(spec, process, port, on_line, on_families)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def key(self) -> str:
        """A name that no other process has: that of the place, and the process id."""
        return f"{self.spec.name}/{self.pid}"

    @property
    def running(self) -> bool:
        """Whether the process has not been reaped yet."""
        return self._process.returncode is None

    async def wait_ready(self, seconds: float) -> bool:
        """Until the replica answers on its own port. False if it ended or the time is over."""
        deadline = asyncio.get_running_loop().time() + seconds
        while self.running and asyncio.get_running_loop().time() < deadline:
            if await self.scrape():
                self.state = "ready"
                return True
            await asyncio.sleep(POLL_SECONDS)
        return False

    async def scrape(self) -> bool:
        """Read its metrics. False when it doesn't answer; what was seen before is kept."""
        try:
            status, text = await get(self._metrics_port, "/metrics", SCRAPE_SECONDS)
            families = parse(text) if status == 200 else None
        except (OSError, ValueError):
            return False
        if families is None or not self.running:
            return False
        self._on_families(self.key, families)
        return True

    async def wait(self) -> int:
        """Until the process has ended and its last lines are read; its exit code."""
        code = await self._process.wait()
        GUARD.release(self.pid)
        await asyncio.wait(self._pumps, timeout=1.0)
        for pump in self._pumps:
            pump.cancel()
        self.crashed = self.crashed or self.state in ("starting", "ready")
        self.state = "ended"
        return code

    async def stop(self, grace: float) -> None:
        """SIGTERM, and SIGKILL after ``grace`` seconds.

        Its metrics are read as long as it answers; the few requests that it finishes after that go uncounted.
        """
        self.state = "stopping"
        await self.scrape()
        self._signal(signal.SIGTERM)
        drain = asyncio.create_task(self._follow())
        try:
            async with asyncio.timeout(grace):
                await self._process.wait()
        except TimeoutError:
            self.kill()
        drain.cancel()
        await self.wait()

    def kill(self) -> None:
        """SIGKILL to the process and what it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL) if self.running else None

    async def _follow(self) -> None:
        answers = True
        while answers:
            await asyncio.sleep(LAST_POLL_SECONDS)
            answers = await self.scrape()

    def _signal(self, number: signal.Signals) -> None:
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _pump(self, stream: str, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                raw = await reader.readline()
            except ValueError:
                continue
            if not raw:
                return
            text = raw.decode("utf-8", errors="replace")
            self._on_line(read_line(text, datetime.now(UTC), self.spec.release, self.spec.name, stream))
