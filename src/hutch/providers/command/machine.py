"""Runs a command line of the configuration: its environment, its time, what came of it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass

from hutch.processes import run_group
from hutch.providers.command.config import Config

OUTPUT_LIMIT = 64 * 1024
"""Bytes of output that are kept, the last ones."""

GRACE = 5.0
"""Seconds from asking a command to end to killing it."""

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class NotThere(Exception):
    """The program is not installed, or cannot be started."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said and how it ended; ``code`` is None where its time ran out."""

    code: int | None
    output: str
    seconds: float

    @property
    def summary(self) -> str:
        """How it ended, with its last line where it failed."""
        last = next((line.strip() for line in reversed(self.output.splitlines()) if line.strip()), "")
        how = "not finished in time" if self.code is None else f"exit {self.code}"
        return f"{how}: {last[:200]}" if self.code != 0 and last else how


@dataclass(frozen=True, slots=True)
class Machine:
    """This machine, as the configuration lets commands see it."""

    config: Config

    async def run(self, argv: Sequence[str], seconds: float, limit: int = OUTPUT_LIMIT) -> Said:
        """Run it to its end. Raises :class:`NotThere`."""
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="hutch-", ignore_cleanup_errors=True) as scratch:
            env = self._environment(scratch)
            directory = self.config.directory or scratch
            program = self.program(argv[0])
            try:
                ended = await run_group([program, *argv[1:]], env, directory, seconds, limit, GRACE)
            except (OSError, ValueError) as error:
                raise NotThere(f"{argv[0]} cannot be started: {error}") from error
        output = ended.output.decode("utf-8", errors="replace")
        return Said(None if ended.timed_out else ended.code, output, time.monotonic() - began)

    def program(self, name: str) -> str:
        """Where the program is. Raises :class:`NotThere`."""
        beside = os.path.join(self.config.directory, name)  # noqa: PTH118 - keeps an absolute one
        found = shutil.which(beside if "/" in name else name, path=self._path())
        if found is None:
            raise NotThere(f"{name} is not installed here")
        return found

    def _path(self) -> str:
        return self.config.environment.get("PATH") or os.environ.get("PATH", DEFAULT_PATH)

    def _environment(self, scratch: str) -> dict[str, str]:
        home = os.environ.get("HOME", scratch)
        return {"PATH": self._path(), "HOME": home, "TMPDIR": scratch, "LANG": "C.UTF-8", **self.config.environment}
